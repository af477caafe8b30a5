import { ServiceBusClient } from '@azure/service-bus';
import { expect, test } from 'vitest';
import { startServiceBus } from '../../../emulators/service-bus/broker.ts';
import { createServiceBus } from '../../../shared/messages/serviceBus.ts';
import { startTcpProxy } from '../../helpers/tcpProxy.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { queues, quick } from './harness.ts';

test('a send on a connection that has gone silent goes on over a new one, for all who share it', async () => {
  const folder = await temporaryFolder();
  const broker = await startServiceBus({ dataDir: folder.path, port: 0, queues });
  const { connectionString, port } = broker.ready;
  const proxy = await startTcpProxy();
  proxy.aimAt(port);
  const through = connectionString.replace(`:${port}`, `:${proxy.port}`);
  const clients: ServiceBusClient[] = [];
  const bus = createServiceBus(() => {
    const client = new ServiceBusClient(through, quick);
    clients.push(client);
    return client;
  });
  const senders = [bus.createSender('plain'), bus.createSender('plain')];
  await Promise.all(senders.map((sender) => sender.sendMessages({ body: 'before' })));

  proxy.change('half-open');
  const sends = senders.map((sender) => sender.sendMessages({ body: 'meanwhile' }));
  // What was connected before the weather is fair again stays dead.
  proxy.change('fair');
  await Promise.all(sends);
  expect(clients).toHaveLength(2);

  const reader = new ServiceBusClient(connectionString, quick);
  const bodies: unknown[] = [];
  const receiver = reader.createReceiver('plain', { receiveMode: 'receiveAndDelete' });
  while (bodies.length < 4) {
    for (const { body } of await receiver.receiveMessages(4, { maxWaitTimeInMs: 1_000 })) bodies.push(body);
  }
  expect(bodies).toEqual(['before', 'before', 'meanwhile', 'meanwhile']);
  await reader.close();
  await clients[1]?.close();
  proxy.close();
  await broker.close();
  await folder.remove();
});
