import { randomUUID } from 'node:crypto';
import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServiceBus, type ServiceBusReady } from '../../../emulators/service-bus/broker.ts';
import type { RunningEmulator } from '../../../emulators/common/childProcess.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { isEmpty, queues, quick, receiveOne } from './harness.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let broker: RunningEmulator<ServiceBusReady>;
let client: ServiceBusClient;

beforeAll(async () => {
  folder = await temporaryFolder();
  broker = await startServiceBus({ dataDir: folder.path, port: 0, queues });
  client = new ServiceBusClient(broker.ready.connectionString, quick);
});

afterAll(async () => {
  await client.close();
  await broker.close();
  await folder.remove();
});

test('a message comes as it was sent, and is gone when completed', async () => {
  const sender = client.createSender('plain');
  const receiver = client.createReceiver('plain');
  const sent = {
    body: { deep: [1, 'zwei', null] },
    messageId: 'a-1',
    subject: 'greeting',
    correlationId: 'c',
    contentType: 'application/json',
    applicationProperties: { number: 7, text: 'ä', yes: true },
  };
  const sentAt = Date.now();
  await sender.sendMessages(sent);
  const message = await receiveOne(receiver);
  expect(message).toMatchObject({ ...sent, deliveryCount: 0, state: 'active' });
  const enqueuedAt = message.enqueuedTimeUtc?.getTime() ?? 0;
  expect(enqueuedAt).toBeGreaterThanOrEqual(sentAt);
  expect(message.lockedUntilUtc?.getTime()).toBeGreaterThanOrEqual(enqueuedAt + 60_000);
  await receiver.completeMessage(message);
  expect(await isEmpty(receiver)).toBe(true);
});

test('a batch keeps its order, and Buffers keep their bytes', async () => {
  const sender = client.createSender('plain');
  const receiver = client.createReceiver('plain');
  const bodies = Array.from({ length: 20 }, (_, index) => Buffer.from([index, 0, 255]));
  await sender.sendMessages(bodies.map((body) => ({ body })));
  const received: Buffer[] = [];
  while (received.length < bodies.length) {
    const message = await receiveOne(receiver);
    received.push(message.body as Buffer);
    await receiver.completeMessage(message);
  }
  expect(received).toEqual(bodies);
});

test('an abandoned message comes again, in its place, with what was modified, and is dead-lettered in the end', async () => {
  const sender = client.createSender('plain');
  const receiver = client.createReceiver('plain');
  await sender.sendMessages([{ body: 'first' }, { body: 'second' }]);
  const first = await receiveOne(receiver);
  await receiver.abandonMessage(first, { why: 'busy' });
  for (const deliveryCount of [1, 2]) {
    const again = await receiveOne(receiver);
    expect(again).toMatchObject({ body: 'first', deliveryCount, applicationProperties: { why: 'busy' } });
    await receiver.abandonMessage(again);
  }
  const second = await receiveOne(receiver);
  expect(second.body).toBe('second');
  await receiver.completeMessage(second);

  const deadLetters = client.createReceiver('plain', { subQueueType: 'deadLetter' });
  const dead = await receiveOne(deadLetters);
  expect(dead).toMatchObject({
    body: 'first',
    deadLetterReason: 'MaxDeliveryCountExceeded',
    applicationProperties: { why: 'busy' },
  });
  await deadLetters.completeMessage(dead);
});

test('dead-lettering on purpose keeps the reason', async () => {
  const receiver = client.createReceiver('plain');
  await client.createSender('plain').sendMessages({ body: 'poison' });
  await receiver.deadLetterMessage(await receiveOne(receiver), {
    deadLetterReason: 'bad',
    deadLetterErrorDescription: 'it is broken',
    extra: 1,
  });
  const deadLetters = client.createReceiver('plain', { subQueueType: 'deadLetter' });
  const dead = await receiveOne(deadLetters);
  expect(dead).toMatchObject({ deadLetterReason: 'bad', deadLetterErrorDescription: 'it is broken' });
  await deadLetters.completeMessage(dead);
});

test('a lock can be renewed', async () => {
  const receiver = client.createReceiver('plain', { maxAutoLockRenewalDurationInMs: 0 });
  await client.createSender('plain').sendMessages({ body: 'slow' });
  const message = await receiveOne(receiver);
  const lockedUntil = message.lockedUntilUtc?.getTime() ?? Infinity;
  expect((await receiver.renewMessageLock(message)).getTime()).toBeGreaterThan(lockedUntil);
  await receiver.completeMessage(message);
});

test('a lost lock is said, and the message comes again', async () => {
  const receiver = client.createReceiver('brief', { maxAutoLockRenewalDurationInMs: 0 });
  await client.createSender('brief').sendMessages({ body: 'slow' });
  const message = await receiveOne(receiver);
  const again = await receiveOne(client.createReceiver('brief', { receiveMode: 'receiveAndDelete' }));
  expect(again).toMatchObject({ body: 'slow', deliveryCount: 1 });
  await expect(receiver.completeMessage(message)).rejects.toMatchObject({ code: 'MessageLockLost' });
});

test('a deferred message waits for its number', async () => {
  const receiver = client.createReceiver('plain');
  await client.createSender('plain').sendMessages({ body: 'later' });
  const message = await receiveOne(receiver);
  await receiver.deferMessage(message);
  expect(await isEmpty(receiver)).toBe(true);
  const number = message.sequenceNumber;
  if (number === undefined) throw new Error('no sequence number');
  const [deferred] = await receiver.receiveDeferredMessages(number);
  if (deferred === undefined) throw new Error('no deferred message');
  expect(deferred).toMatchObject({ body: 'later', state: 'deferred' });
  await receiver.completeMessage(deferred);
});

test('what is received and deleted needs no settlement', async () => {
  await client.createSender('plain').sendMessages([{ body: 1 }, { body: 2 }]);
  const receiver = client.createReceiver('plain', { receiveMode: 'receiveAndDelete' });
  const received: unknown[] = [];
  while (received.length < 2) received.push((await receiveOne(receiver)).body);
  expect(received).toEqual([1, 2]);
  expect(await isEmpty(receiver)).toBe(true);
});

test('a scheduled message comes at its time, can be peeked and cancelled before', async () => {
  const sender = client.createSender('plain');
  const receiver = client.createReceiver('plain');
  const at = new Date(Date.now() + 1_500);
  const [number] = await sender.scheduleMessages({ body: 'never' }, new Date(Date.now() + 3_600_000));
  await sender.sendMessages({ body: 'due', scheduledEnqueueTimeUtc: at });
  expect((await receiver.peekMessages(10)).map(({ body }) => body as unknown)).toEqual(['never', 'due']);
  if (number === undefined) throw new Error('no sequence number');
  await sender.cancelScheduledMessages(number);
  const message = await receiveOne(receiver);
  expect(message.body).toBe('due');
  expect(Date.now()).toBeGreaterThanOrEqual(at.getTime());
  await receiver.completeMessage(message);
  expect(await isEmpty(receiver)).toBe(true);
});

test('a second message of the same ID is accepted and dropped', async () => {
  const sender = client.createSender('deduplicated');
  await sender.sendMessages({ body: 'one', messageId: 'same' });
  await sender.sendMessages([
    { body: 'two', messageId: 'same' },
    { body: 'three', messageId: 'other' },
  ]);
  const receiver = client.createReceiver('deduplicated', { receiveMode: 'receiveAndDelete' });
  expect((await receiveOne(receiver)).body).toBe('one');
  expect((await receiveOne(receiver)).body).toBe('three');
  expect(await isEmpty(receiver)).toBe(true);
});

test('a message past its time to live is dead-lettered', async () => {
  await client.createSender('expiring').sendMessages({ body: 'old' });
  const deadLetters = client.createReceiver('expiring', { subQueueType: 'deadLetter' });
  const dead = await receiveOne(deadLetters);
  expect(dead.deadLetterReason).toBe('TTLExpiredException');
  await deadLetters.completeMessage(dead);
});

test('a session is one holder at a time, in order, and keeps its state', async () => {
  const sender = client.createSender('sessions');
  await sender.sendMessages([1, 2, 3].map((body) => ({ body, sessionId: 'ann' })));
  const session = await client.acceptSession('sessions', 'ann');
  await expect(client.acceptSession('sessions', 'ann')).rejects.toMatchObject({
    code: 'SessionCannotBeLocked',
  });
  await session.setSessionState({ seen: 1 });
  expect(await session.getSessionState()).toEqual({ seen: 1 });
  const lockedUntil = session.sessionLockedUntilUtc.getTime();
  expect((await session.renewSessionLock()).getTime()).toBeGreaterThan(lockedUntil);
  const first = await receiveOne(session);
  expect(first).toMatchObject({ body: 1, sessionId: 'ann' });
  await session.completeMessage(first);
  const second = await receiveOne(session);
  expect(second.body).toBe(2);
  await session.close();

  const next = await client.acceptNextSession('sessions');
  expect(next.sessionId).toBe('ann');
  expect(await next.getSessionState()).toEqual({ seen: 1 });
  for (const body of [2, 3]) {
    const message = await receiveOne(next);
    expect(message).toMatchObject({ body, deliveryCount: 0 });
    await next.completeMessage(message);
  }
  await next.setSessionState(null);
  await next.close();
});

test('accept-next waits for a session, and gives up in time', async () => {
  const waiting = client.acceptNextSession('sessions');
  await client.createSender('sessions').sendMessages({ body: 'hello', sessionId: 'bob' });
  const session = await waiting;
  expect(session.sessionId).toBe('bob');
  await session.completeMessage(await receiveOne(session));
  await session.close();
  const impatient = new ServiceBusClient(broker.ready.connectionString, {
    retryOptions: { timeoutInMs: 5_000, maxRetries: 0 },
  });
  await expect(impatient.acceptNextSession('sessions')).rejects.toMatchObject({ code: 'ServiceTimeout' });
  await impatient.close();
});

test('what cannot be is refused in the words that the client knows', async () => {
  const unknown = client.createSender('nowhere');
  await expect(unknown.sendMessages({ body: 1 })).rejects.toMatchObject({ code: 'MessagingEntityNotFound' });
  await expect(client.createSender('sessions').sendMessages({ body: 1 })).rejects.toThrow(
    /SessionId was not set/,
  );
  await expect(client.createReceiver('sessions').receiveMessages(1)).rejects.toThrow(/requires sessions/);
  await expect(
    client.createSender('plain').sendMessages({ body: 'x'.repeat(300_000) }),
  ).rejects.toMatchObject({
    code: 'MessageSizeExceeded',
  });
  const wrongKey = broker.ready.connectionString.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=bm8=');
  const stranger = new ServiceBusClient(wrongKey, { retryOptions: { maxRetries: 0, timeoutInMs: 50_000 } });
  await expect(stranger.createSender('plain').sendMessages({ body: 1 })).rejects.toMatchObject({
    code: 'UnauthorizedAccess',
  });
  await stranger.close();
});

test('a subscriber gets every message of many senders once', async () => {
  const total = 500;
  const received: string[] = [];
  const receiver = client.createReceiver('plain');
  const subscription = receiver.subscribe(
    {
      async processMessage({ body }) {
        received.push(body as string);
      },
      processError: ({ error }) => Promise.reject(error),
    },
    { maxConcurrentCalls: 8 },
  );
  const senders = Array.from({ length: 5 }, () => client.createSender('plain'));
  const ids = Array.from({ length: total }, () => randomUUID());
  await Promise.all(ids.map(async (body, index) => senders[index % 5]?.sendMessages({ body })));
  await eventually('all have come', () => received.length >= total);
  await subscription.close();
  expect(received.toSorted()).toEqual(ids.toSorted());
});

test('a client that closes while it waits for a session takes none with it', async () => {
  const leaving = new ServiceBusClient(broker.ready.connectionString, quick);
  // The client leaves these hanging when it is closed.
  for (let wait = 0; wait < 5; wait += 1) leaving.acceptNextSession('sessions').catch(() => undefined);
  // Its links are attached once another session can be accepted on the same connection.
  await (await leaving.acceptSession('sessions', 'nobody')).close();
  await leaving.close();
  const sender = client.createSender('sessions');
  await sender.sendMessages(
    Array.from({ length: 5 }, (_, index) => ({ body: index, sessionId: `left-${index}` })),
  );
  for (let index = 0; index < 5; index += 1) {
    const session = await client.acceptNextSession('sessions');
    await session.completeMessage(await receiveOne(session));
    await session.close();
  }
});
