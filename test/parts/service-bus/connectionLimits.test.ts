import { connect, type Socket } from 'node:net';
import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningEmulator } from '../../../emulators/common/childProcess.ts';
import { startServiceBus, type ServiceBusReady } from '../../../emulators/service-bus/broker.ts';
import { defaultConnectionLimits } from '../../../emulators/service-bus/connectionLimits.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { queues, quick, receiveOne } from './harness.ts';

/* What a connection can make the broker hold, above all one that shows no token. */

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let broker: RunningEmulator<ServiceBusReady>;

beforeAll(async () => {
  folder = await temporaryFolder();
  broker = await startServiceBus({ dataDir: folder.path, port: 0, queues });
});

afterAll(async () => {
  await broker.close();
  await folder.remove();
});

function dial(port: number): { socket: Socket; answered(): boolean; ended(): boolean } {
  let [answered, ended] = [false, false];
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.on('data', () => (answered = true));
  socket.on('close', () => (ended = true));
  return { socket, answered: () => answered, ended: () => ended };
}

const header = Buffer.from('AMQP\0\u0001\0\0', 'latin1');
const heartbeat = Buffer.from([0, 0, 0, 8, 2, 0, 0, 0]);
const int = (value: number) => [value >> 24, value >> 16, value >> 8, value].map((byte) => byte & 0xff);

/** A frame of channel 0 with a list of encoded fields. */
function frame(descriptor: number, fields: number[][], payload: number[] = []): Buffer {
  const content = fields.flat();
  const list = [
    0x00,
    0x53,
    descriptor,
    0xd0,
    ...int(content.length + 4),
    ...int(fields.length),
    ...content,
    ...payload,
  ];
  return Buffer.from([...int(list.length + 8), 2, 0, 0, 0, ...list]);
}

const [none, uint] = [[0x40], (value: number) => [0x70, ...int(value)]];
const text = (value: string) => [0xa1, value.length, ...Buffer.from(value)];
const opening = Buffer.concat([
  header,
  frame(0x10, [text('a'), none, uint(65_536)]),
  frame(0x11, [none, uint(0), uint(2_048), uint(2_048)]),
]);

test('a frame that claims more than a frame may have ends its connection', async () => {
  const { socket, answered, ended } = dial(broker.ready.port);
  socket.write(header);
  await eventually('the broker answers', answered);
  socket.write(Buffer.from([0x40, 0, 0, 0, 2, 0, 0, 0]));
  await eventually('the end of the connection', ended);
});

test('without a token a connection may send 64 KB, in whatever frames', async () => {
  const { socket, answered, ended } = dial(broker.ready.port);
  socket.write(opening);
  await eventually('the broker answers', answered);
  for (let sent = 0; sent < 2 * defaultConnectionLimits.bytesBeforeToken; sent += 1_000 * heartbeat.length)
    socket.write(Buffer.concat(Array.from({ length: 1_000 }, () => heartbeat)));
  await eventually('the end of the connection', ended);
});

test('without a token a connection may open a few sessions and links', async () => {
  const { socket, answered, ended } = dial(broker.ready.port);
  socket.write(opening);
  await eventually('the broker answers', answered);
  for (let handle = 0; handle < 20; handle += 1) {
    const terminus = (address: string, descriptor: number) => [
      0x00,
      0x53,
      descriptor,
      0xc0,
      address.length + 3,
      1,
      ...text(address),
    ];
    const attach = [
      text(`link-${handle}`),
      uint(handle),
      [0x42],
      none,
      none,
      terminus('x', 0x28),
      terminus('$cbs', 0x29),
    ];
    socket.write(frame(0x12, [...attach, none, none, uint(0)]));
  }
  await eventually('the end of the connection', ended);
});

test('a connection that shows no token in time is closed, and one that does stays', async () => {
  const other = await temporaryFolder();
  const impatient = await startServiceBus({
    dataDir: other.path,
    port: 0,
    queues,
    connectionLimits: { ...defaultConnectionLimits, tokenMs: 2_000 },
  });
  const client = new ServiceBusClient(impatient.ready.connectionString, quick);
  const sender = client.createSender('plain');
  await sender.sendMessages({ body: 1 });
  const silent = dial(impatient.ready.port);
  silent.socket.write(opening);
  await eventually('the end of the connection', silent.ended);
  await sender.sendMessages({ body: 2 });
  await client.close();
  await impatient.close();
  await other.remove();
});

test('connections have a bound', async () => {
  const other = await temporaryFolder();
  const small = await startServiceBus({
    dataDir: other.path,
    port: 0,
    queues,
    connectionLimits: { ...defaultConnectionLimits, connections: 3 },
  });
  const callers = Array.from({ length: 10 }, () => dial(small.ready.port));
  await eventually('the others are closed', () => callers.filter(({ ended }) => ended()).length === 7);
  for (const { socket } of callers) socket.destroy();
  await small.close();
  await other.remove();
});

test('a message far over the limit is refused, and the link goes on', async () => {
  const client = new ServiceBusClient(broker.ready.connectionString, quick);
  const sender = client.createSender('plain');
  const large = { body: Buffer.alloc(8 * 1024 * 1024) };
  await expect(sender.sendMessages(large)).rejects.toMatchObject({ code: 'MessageSizeExceeded' });
  await sender.sendMessages({ body: 'small' });
  expect(await receiveOne(client.createReceiver('plain', { receiveMode: 'receiveAndDelete' }))).toMatchObject(
    {
      body: 'small',
    },
  );
  await client.close();
});
