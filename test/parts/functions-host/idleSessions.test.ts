import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import type { ServiceBusClient } from '@azure/service-bus';
import { expect, test } from 'vitest';
import { createServiceBusClient } from '../../../emulators/functions-host/serviceBusClient.ts';
import { listenToServiceBus } from '../../../emulators/functions-host/serviceBusTrigger.ts';
import { types } from '../../../emulators/service-bus/amqp.ts';
import { startServiceBus } from '../../../emulators/service-bus/broker.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { queues } from '../service-bus/harness.ts';

/** Passes bytes on to a port, and keeps what clients send. */
async function startRecorder(target: number) {
  const sent: Buffer[] = [];
  const server = createServer((client) => {
    const service = connect(target, '127.0.0.1');
    client.on('data', (bytes) => sent.push(bytes));
    client.pipe(service).pipe(client);
    for (const socket of [client, service]) socket.on('error', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    /** The values that follow a symbol in what was sent. */
    valuesOf(symbol: string): unknown[] {
      const bytes = Buffer.concat(sent);
      const values: unknown[] = [];
      for (let at = bytes.indexOf(symbol); at >= 0; at = bytes.indexOf(symbol, at + 1)) {
        values.push(types.unwrap(new types.Reader(bytes.subarray(at + symbol.length)).read()));
      }
      return values;
    },
    close: () => void server.close(),
  };
}

/** After this the client gives a wait up by itself, whatever its options say. */
function ownTimerMs(client: ServiceBusClient): number {
  const inside = client as unknown as {
    _connectionContext: { connection: { options: { operationTimeoutInSeconds: number } } };
  };
  return inside._connectionContext.connection.options.operationTimeoutInSeconds * 1_000;
}

test('each slot asks for a session for a time that ends long before the own timer of the client', async () => {
  const folder = await temporaryFolder();
  const broker = await startServiceBus({ dataDir: folder.path, port: 0, queues });
  const { connectionString, port } = broker.ready;
  const recorder = await startRecorder(port);
  const client = createServiceBusClient(connectionString.replace(`:${port}`, `:${recorder.port}`));
  const slots = 32;
  const warnings: string[] = [];
  const binding = {
    type: 'serviceBusTrigger',
    direction: 'in',
    queueName: 'sessions',
    isSessionsEnabled: true,
  };
  const listener = listenToServiceBus(
    { metadata: { name: 'onSession', bindings: { trigger: binding } }, callback: () => undefined },
    {
      client,
      settings: {
        prefetchCount: 0,
        autoCompleteMessages: true,
        maxAutoLockRenewalDuration: 60_000,
        maxConcurrentCalls: 1,
        maxConcurrentSessions: slots,
        sessionIdleTimeout: 1_000,
      },
      resolve: (text) => text,
      invoke: () => Promise.reject(new Error('there is no message')),
      onError: (line) => warnings.push(line),
    },
  );
  const asked = await eventually('every slot asks', () => {
    const times = recorder.valuesOf('com.microsoft:timeout');
    return times.length >= slots ? times : undefined;
  });
  expect(asked).toHaveLength(slots);
  const own = ownTimerMs(client);
  expect(own).toBe(60_000);
  for (const time of asked) {
    expect(time).toBeGreaterThan(40_000);
    expect(time).toBeLessThan(own - 5_000);
  }
  await listener.close();
  recorder.close();
  await broker.close();
  await folder.remove();
  expect(warnings).toEqual([]);
});
