import type { AmqpAnnotatedMessage } from '@azure/core-amqp';
import { expect, test } from 'vitest';
import { isEmpty, receiveOne, useBroker } from './harness.ts';

/* What Azure does at the edges of its contract, as the official client sees it. */

const broker = useBroker();

const tomorrow = (): Date => new Date(Date.now() + 86_400_000);

test.each([300_000, 3_000_000])(
  'a message of %d bytes that is scheduled is refused as too large',
  async (size) => {
    const sender = broker().createSender('plain');
    const large = { body: 'x'.repeat(size) };
    await expect(sender.scheduleMessages(large, tomorrow())).rejects.toMatchObject({
      code: 'MessageSizeExceeded',
    });
    await expect(
      sender.scheduleMessages([{ body: 'x'.repeat(size / 2) }, { body: 'x'.repeat(size / 2) }], tomorrow()),
    ).rejects.toMatchObject({ code: 'MessageSizeExceeded' });
    // The link goes on.
    const [number] = await sender.scheduleMessages({ body: 'small' }, tomorrow());
    await sender.cancelScheduledMessages(number ?? []);
  },
);

test('a deferred message that is received and deleted is gone', async () => {
  await broker().createSender('plain').sendMessages({ body: 'later' });
  const receiver = broker().createReceiver('plain');
  const message = await receiveOne(receiver);
  await receiver.deferMessage(message);
  const number = message.sequenceNumber ?? expect.fail('it has no number');
  // Whoever has it has it alone.
  const [held] = await receiver.receiveDeferredMessages([number, number]);
  await expect(receiver.receiveDeferredMessages(number)).rejects.toMatchObject({ code: 'MessageNotFound' });
  await receiver.abandonMessage(held ?? expect.fail('it did not come'));
  const taking = broker().createReceiver('plain', { receiveMode: 'receiveAndDelete' });
  expect(await taking.receiveDeferredMessages(number)).toMatchObject([{ body: 'later' }]);
  await expect(receiver.receiveDeferredMessages(number)).rejects.toMatchObject({ code: 'MessageNotFound' });
});

test('a dead letter cannot be dead-lettered, nor sent', async () => {
  await broker().createSender('plain').sendMessages({ body: 'twice' });
  const receiver = broker().createReceiver('plain');
  await receiver.deadLetterMessage(await receiveOne(receiver), {
    deadLetterReason: 'first',
    deadLetterErrorDescription: '',
  });
  const dead = broker().createReceiver('plain', { subQueueType: 'deadLetter' });
  await expect(dead.deadLetterMessage(await receiveOne(dead))).rejects.toThrow('cannot be dead-lettered');
  const again = await receiveOne(dead);
  expect(again).toMatchObject({ body: 'twice', deadLetterReason: 'first' });
  await dead.completeMessage(again);
  expect(await isEmpty(dead)).toBe(true);
  await expect(
    broker().createSender('plain/$DeadLetterQueue').sendMessages({ body: 'by hand' }),
  ).rejects.toThrow('cannot be sent to a dead-letter queue');
});

test("a sender's annotations come with the message, with their types, wherever it goes; the broker's are its own", async () => {
  const messageAnnotations = {
    'x-own': 'mine',
    'x-number': 7,
    'x-flag': true,
    'x-opt-sequence-number': 4_711,
  };
  const message: AmqpAnnotatedMessage = { bodyType: 'value', body: 'annotated', messageAnnotations };
  await broker().createSender('plain').sendMessages(message);
  const receiver = broker().createReceiver('plain');
  const first = await receiveOne(receiver);
  const own = { 'x-own': 'mine', 'x-number': 7, 'x-flag': true };
  expect(first._rawAmqpMessage.messageAnnotations).toMatchObject(own);
  expect(Number(first.sequenceNumber)).not.toBe(4_711);
  await receiver.abandonMessage(first, { seen: 'once' });
  await receiver.deadLetterMessage(await receiveOne(receiver));
  const dead = broker().createReceiver('plain', { subQueueType: 'deadLetter' });
  const moved = await receiveOne(dead);
  expect(moved._rawAmqpMessage.messageAnnotations).toMatchObject(own);
  expect(moved).toMatchObject({ body: 'annotated', applicationProperties: { seen: 'once' } });
  await dead.completeMessage(moved);
});

test("a sender's header fields and delivery annotations come with the message, wherever it goes; the count is the broker's", async () => {
  // The live tests of the official .NET client expect the same of the real service.
  const header = { durable: true, priority: 1, firstAcquirer: true, timeToLive: 50_000 };
  const deliveryAnnotations = { 'x-delivery': 'noted' };
  const message: AmqpAnnotatedMessage = {
    bodyType: 'value',
    body: 'headed',
    header: { ...header, deliveryCount: 3 },
    deliveryAnnotations,
  };
  await broker().createSender('plain').sendMessages(message);
  const receiver = broker().createReceiver('plain');
  const [peeked] = await receiver.peekMessages(1);
  expect(peeked?._rawAmqpMessage).toMatchObject({ header, deliveryAnnotations });
  const first = await receiveOne(receiver);
  expect(first._rawAmqpMessage).toMatchObject({
    header: { ...header, deliveryCount: 0 },
    deliveryAnnotations,
  });
  await receiver.deadLetterMessage(first);
  const dead = broker().createReceiver('plain', { subQueueType: 'deadLetter' });
  const moved = await receiveOne(dead);
  const { timeToLive: _timeToLive, ...kept } = header;
  expect(moved._rawAmqpMessage).toMatchObject({ header: kept, deliveryAnnotations });
  await dead.completeMessage(moved);
});

test('a header that the sender left empty stays empty', async () => {
  await broker().createSender('plain').sendMessages({ body: 'plain' });
  const receiver = broker().createReceiver('plain');
  const message = await receiveOne(receiver);
  expect(message._rawAmqpMessage.header).toEqual({ deliveryCount: 0 });
  expect(message._rawAmqpMessage.deliveryAnnotations).toBeUndefined();
  await receiver.completeMessage(message);
});
