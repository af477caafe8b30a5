import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServiceBus, type ServiceBusReady } from '../../../infra/local/service-bus/broker.ts';
import type { RunningPart } from '../../../infra/local/part.ts';
import { createDeadLetters } from '../../../shared/messages/deadLetters.ts';
import { createServiceBus } from '../../../shared/messages/serviceBus.ts';
import { queues } from '../../../shared/resources.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { quick } from './harness.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let broker: RunningPart<ServiceBusReady>;
let client: ServiceBusClient;

beforeAll(async () => {
  folder = await temporaryFolder();
  broker = await startServiceBus({ dataDir: folder.path, port: 0, queues: Object.values(queues) });
  client = new ServiceBusClient(broker.ready.connectionString, quick);
});

afterAll(async () => {
  await client.close();
  await broker.close();
  await folder.remove();
});

test('dead letters that were sent before a time are dropped, and younger ones stay', async () => {
  const deadLetters = createDeadLetters(createServiceBus(() => client));
  const bury = (image: string) =>
    deadLetters.bury({ ref: { group: 'g', image }, code: 'internal', detail: 'x' });
  const receiver = client.createReceiver(queues.failures.name, { subQueueType: 'deadLetter' });
  await bury('old');
  await bury('old too');
  const sent = (await receiver.peekMessages(10)).map(
    ({ enqueuedTimeUtc }) => enqueuedTimeUtc?.getTime() ?? 0,
  );
  const newest = Math.max(...sent);
  await deadLetters.dropSentBefore(Math.min(...sent));
  expect(sent).toHaveLength(2);
  // A clock that stands still would give both times.
  while (Date.now() <= newest) await new Promise((resolve) => setImmediate(resolve));
  await bury('young');
  await deadLetters.dropSentBefore(newest + 1);
  const left: string[] = [];
  await deadLetters.exhume((_queue, body) => {
    left.push((body as { failure: { image: string } }).failure.image);
    return Promise.resolve();
  });
  expect(left).toEqual(['young']);
  await receiver.close();
});
