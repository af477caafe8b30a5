import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { portrait } from '../helpers/pictures.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({ settings: { SWEEP_GRACE_SECONDS: '0' } });
});

afterAll(() => stack.close());

/** The bridge is told that nobody listens: as if Event Grid had lost every event. */
function loseEvents(): void {
  stack.stack.tell('storage', { type: 'subscribe', hostUrl: stack.http, subscriptions: [] });
}

test('pictures whose events never came are found, those written and those deleted', async () => {
  await stack.drop('enroll/silent/audrey/1.jpg', portrait('audrey.jpg'));
  await stack.settled('enroll/silent/audrey/1.jpg', 'enrolled');
  loseEvents();
  await stack.drop('enroll/silent/nicolas/1.jpg', portrait('cage.jpg'));
  await stack.drop('identify/silent/who.jpg', portrait('audrey_crop.jpg'));
  await stack.remove('enroll/silent/audrey/1.jpg');
  await stack.settled('enroll/silent/nicolas/1.jpg', 'enrolled');
  await stack.settled('identify/silent/who.jpg', 'identified');
  await stack.settled('enroll/silent/audrey/1.jpg', 'removed');
  await eventually('her face is gone from Face', async () => {
    const persons = await stack.faceOf('silent');
    return persons.flatMap(({ persistedFaceIds }) => persistedFaceIds).length === 1;
  });
});

test('what the trigger gave up on becomes a failed picture with its reason', async () => {
  const { storageConnectionString } = stack.stack.endpoints;
  const queue = QueueServiceClient.fromConnectionString(storageConnectionString).getQueueClient(
    'webjobs-blobtrigger-poison',
  );
  loseEvents();
  await stack.drop('enroll/poison/p/1.jpg', portrait('queen20_crop.jpg'));
  const message = { Type: 'BlobTrigger', ContainerName: 'enroll', BlobName: 'poison/p/1.jpg' };
  await queue.sendMessage(Buffer.from(JSON.stringify(message)).toString('base64'));
  await queue.sendMessage('what is this?');
  await eventually('the poison queue is empty', async () => {
    const { approximateMessagesCount } = await queue.getProperties();
    return approximateMessagesCount === 0;
  });
  // Failed by the poison message, or enrolled by the sweep that found it first: explained in either case.
  const image = await stack.settled('enroll/poison/p/1.jpg', 'failed', 'enrolled');
  if (image.state === 'failed') expect(image.reason).toBe('too_many_attempts');
});
