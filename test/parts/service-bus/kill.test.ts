import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ServiceBusReady } from '../../../emulators/service-bus/broker.ts';
import { startEmulatorProcess, type EmulatorProcess } from '../../helpers/emulatorProcess.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { isEmpty, queues, quick, receiveOne } from './harness.ts';

/* What a broker that is killed, and started again on its data, still knows. */

/** Each test has queues of its own: a broker lives from the middle of one to the middle of the next. */
const ownQueues = ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((own) =>
  queues.map((queue) => ({ ...queue, name: `${queue.name}-${own}` })),
);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let broker: EmulatorProcess<ServiceBusReady>;
let client: ServiceBusClient;

beforeAll(async () => {
  folder = await temporaryFolder();
  await start();
});

afterAll(async () => {
  await client.close();
  await broker.stop();
  await folder.remove();
});

async function start(): Promise<void> {
  broker = await startEmulatorProcess<ServiceBusReady>('service-bus', {
    dataDir: folder.path,
    port: 0,
    queues: ownQueues,
  });
  client = new ServiceBusClient(broker.ready.connectionString, quick);
}

async function killAndStart(): Promise<void> {
  await broker.kill();
  await client.close();
  await start();
}

test('every message that was accepted is there, once', async () => {
  const sender = client.createSender('sessions-a');
  const accepted: string[] = [];
  const killed = Promise.withResolvers<void>();
  for (let index = 0; index < 400; index += 1) {
    const id = `m${index}`;
    sender.sendMessages({ body: id, messageId: id, sessionId: `s${index % 7}` }).then(
      () => {
        accepted.push(id);
        if (accepted.length === 100) broker.kill().then(killed.resolve, killed.reject);
      },
      // Those that the kill met were not accepted.
      () => undefined,
    );
  }
  await killed.promise;
  expect(accepted.length).toBeGreaterThanOrEqual(100);

  await killAndStart();
  const found: string[] = [];
  for (let session = 0; session < 7; session += 1) {
    const receiver = await client.acceptSession('sessions-a', `s${session}`);
    // Some that were not acknowledged may be there too; what comes twice comes in the last look.
    const missing = () => accepted.some((id) => Number(id.slice(1)) % 7 === session && !found.includes(id));
    for (let isThere = true; isThere;) {
      const mayCome = missing();
      const batch = await receiver.receiveMessages(50, { maxWaitTimeInMs: mayCome ? 60_000 : 500 });
      isThere = batch.length > 0;
      for (const message of batch) {
        found.push(String(message.messageId));
        await receiver.completeMessage(message);
      }
    }
    await receiver.close();
  }
  expect(new Set(found).size).toBe(found.length);
  expect(found).toEqual(expect.arrayContaining(accepted));
});

test('duplicates of what came before the kill are dropped', async () => {
  await client.createSender('deduplicated-b').sendMessages({ body: 'one', messageId: 'same' });
  await killAndStart();
  const sender = client.createSender('deduplicated-b');
  await sender.sendMessages([
    { body: 'two', messageId: 'same' },
    { body: 'three', messageId: 'other' },
  ]);
  const receiver = client.createReceiver('deduplicated-b', { receiveMode: 'receiveAndDelete' });
  expect((await receiveOne(receiver)).body).toBe('one');
  expect((await receiveOne(receiver)).body).toBe('three');
  expect(await isEmpty(receiver)).toBe(true);
  // Also of one that is long gone.
  await killAndStart();
  await client.createSender('deduplicated-b').sendMessages({ body: 'four', messageId: 'same' });
  expect(await isEmpty(client.createReceiver('deduplicated-b'))).toBe(true);
});

test('scheduled messages come at their time, also those that fell due meanwhile, and can be cancelled', async () => {
  const sender = client.createSender('plain-c');
  const soon = new Date(Date.now() + 200);
  const later = new Date(Date.now() + 4_000);
  await sender.sendMessages({ body: 'soon', scheduledEnqueueTimeUtc: soon });
  await sender.sendMessages({ body: 'later', scheduledEnqueueTimeUtc: later });
  const [never] = await sender.scheduleMessages({ body: 'never' }, new Date(Date.now() + 3_600_000));
  if (never === undefined) throw new Error('no sequence number');
  await killAndStart();

  const receiver = client.createReceiver('plain-c');
  const first = await receiveOne(receiver);
  expect(first).toMatchObject({ body: 'soon', deliveryCount: 0 });
  await receiver.completeMessage(first);
  const second = await receiveOne(receiver);
  expect(second.body).toBe('later');
  expect(Date.now()).toBeGreaterThanOrEqual(later.getTime());
  await receiver.completeMessage(second);
  await client.createSender('plain-c').cancelScheduledMessages(never);
  expect(await receiver.peekMessages(10)).toEqual([]);
});

test('what failed has failed, what was under way is free again, what was completed is gone', async () => {
  await client
    .createSender('plain-d')
    .sendMessages([{ body: 'failing' }, { body: 'done' }, { body: 'held' }]);
  const receiver = client.createReceiver('plain-d');
  for (const deliveryCount of [0, 1]) {
    const failing = await receiveOne(receiver);
    expect(failing).toMatchObject({ body: 'failing', deliveryCount });
    await receiver.abandonMessage(failing, { why: 'busy' });
  }
  await receiver.deferMessage(await receiveOne(receiver));
  await receiver.completeMessage(await receiveOne(receiver));
  await receiveOne(receiver);
  await killAndStart();

  // Deferred, it had failed twice and then once more.
  const again = client.createReceiver('plain-d');
  const held = await receiveOne(again);
  expect(held).toMatchObject({ body: 'held', deliveryCount: 0 });
  await again.completeMessage(held);
  expect(await isEmpty(again)).toBe(true);
  const [deferred] = await again.peekMessages(10);
  expect(deferred).toMatchObject({ body: 'failing', state: 'deferred', deliveryCount: 3 });
});

test('a message dies of its last failure although the others were before the kill; dead letters stay', async () => {
  const receiver = client.createReceiver('plain-e');
  await client.createSender('plain-e').sendMessages([{ body: 'poison' }, { body: 'failing' }]);
  await receiver.deadLetterMessage(await receiveOne(receiver), {
    deadLetterReason: 'bad',
    deadLetterErrorDescription: 'it is broken',
  });
  for (let failure = 0; failure < 2; failure += 1) await receiver.abandonMessage(await receiveOne(receiver));
  await killAndStart();

  const again = client.createReceiver('plain-e');
  const last = await receiveOne(again);
  expect(last).toMatchObject({ body: 'failing', deliveryCount: 2 });
  await again.abandonMessage(last);
  const deadLetters = client.createReceiver('plain-e', { subQueueType: 'deadLetter' });
  const dead = [await receiveOne(deadLetters), await receiveOne(deadLetters)];
  expect(dead.map(({ body, deadLetterReason }) => [body, deadLetterReason])).toEqual([
    ['poison', 'bad'],
    ['failing', 'MaxDeliveryCountExceeded'],
  ]);
});

test('a session is free again after the kill, with its state and its place', async () => {
  await client.createSender('sessions-f').sendMessages([1, 2, 3].map((body) => ({ body, sessionId: 'ann' })));
  const holder = await client.acceptSession('sessions-f', 'ann');
  await holder.setSessionState({ seen: 1 });
  await holder.completeMessage(await receiveOne(holder));
  await receiveOne(holder);
  await killAndStart();

  const next = await client.acceptNextSession('sessions-f');
  expect(next.sessionId).toBe('ann');
  expect(await next.getSessionState()).toEqual({ seen: 1 });
  for (const body of [2, 3]) {
    const message = await receiveOne(next);
    expect(message).toMatchObject({ body, deliveryCount: 0 });
    await next.completeMessage(message);
  }
  await next.close();
});
