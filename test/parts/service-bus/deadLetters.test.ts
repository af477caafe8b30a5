import { beforeEach, expect, test } from 'vitest';
import { createDeadLetters } from '../../../shared/messages/deadLetters.ts';
import { createServiceBus } from '../../../shared/messages/serviceBus.ts';
import { queues } from '../../../shared/config/resources.ts';
import { useBroker } from './harness.ts';

const broker = useBroker(Object.values(queues));

/** Messages of errors that were logged. */
let logged: string[];
let deadLetters: ReturnType<typeof createDeadLetters>;
beforeEach(() => {
  logged = [];
  deadLetters = createDeadLetters(createServiceBus(broker), { error: (message) => logged.push(message) });
});

const add = (image: string) => deadLetters.add({ ref: { group: 'g', image }, code: 'internal', detail: 'x' });

test('dead letters that were sent before a time are dropped, and younger ones stay', async () => {
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

test('an unreadable message in failures is set aside with a reason, and those behind it do not wait', async () => {
  const sender = broker().createSender(queues.failures.name);
  // One whose body is no JSON, one of another shape, and one that a crash left behind them.
  const left = { failure: { group: 'g', image: 'left', code: 'internal', detail: 'x' } };
  for (const body of ['what is this?', { failure: 'another shape' }, left])
    await sender.sendMessages({ body });
  await sender.close();
  await add('new');
  const receiver = broker().createReceiver(queues.failures.name, { subQueueType: 'deadLetter' });
  const dead = await receiver.peekMessages(10);
  expect(dead.map(({ deadLetterReason }) => deadLetterReason)).toEqual([
    'unreadable',
    'unreadable',
    'internal',
    'internal',
  ]);
  expect(logged).toHaveLength(2);
  const drained: unknown[] = [];
  await deadLetters.drain(async (_queue, body) => void drained.push(body));
  expect(drained).toHaveLength(4);
  expect(await receiver.peekMessages(10)).toEqual([]);
  expect(logged).toHaveLength(2);
  await receiver.close();
});
