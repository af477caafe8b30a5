import { expect, test } from 'vitest';
import { createDeadLetters } from '../../../shared/messages/deadLetters.ts';
import { createServiceBus } from '../../../shared/messages/serviceBus.ts';
import { queues } from '../../../shared/config/resources.ts';
import { useBroker } from './harness.ts';

const broker = useBroker(Object.values(queues));

test('dead letters that were sent before a time are dropped, and younger ones stay', async () => {
  const deadLetters = createDeadLetters(createServiceBus(broker));
  const add = (image: string) =>
    deadLetters.add({ ref: { group: 'g', image }, code: 'internal', detail: 'x' });
  const receiver = broker().createReceiver(queues.failures.name, { subQueueType: 'deadLetter' });
  await add('old');
  await add('old too');
  const sent = (await receiver.peekMessages(10)).map(
    ({ enqueuedTimeUtc }) => enqueuedTimeUtc?.getTime() ?? 0,
  );
  const newest = Math.max(...sent);
  await deadLetters.dropSentBefore(Math.min(...sent));
  expect(sent).toHaveLength(2);
  // A clock that stands still would give both times.
  while (Date.now() <= newest) await new Promise((resolve) => setImmediate(resolve));
  await add('young');
  await deadLetters.dropSentBefore(newest + 1);
  const left: string[] = [];
  await deadLetters.drain((_queue, body) => {
    left.push((body as { failure: { image: string } }).failure.image);
    return Promise.resolve();
  });
  expect(left).toEqual(['young']);
  await receiver.close();
});
