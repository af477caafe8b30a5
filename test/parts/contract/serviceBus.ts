import { randomUUID } from 'node:crypto';
import type { ServiceBusClient, ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus';
import { expect, test } from 'vitest';

export type BusTarget = () => {
  client: ServiceBusClient;
  /** Names of empty queues; delivery is tried three times. */
  queues: { plain: string; sessions: string; deduplicated: string };
};

/** What the pipeline relies on of Service Bus. */
export function serviceBusContract(target: BusTarget): void {
  test('a message that is given back comes again, and ends in the dead-letter queue', async () => {
    const { client, queues } = target();
    await send(client, queues.plain, { body: { key: 'a' } });
    const receiver = client.createReceiver(queues.plain);
    for (const deliveryCount of [0, 1, 2]) {
      const message = await receive(receiver);
      expect(message).toMatchObject({ body: { key: 'a' }, deliveryCount });
      await receiver.abandonMessage(message);
    }
    const dead = client.createReceiver(queues.plain, { subQueueType: 'deadLetter' });
    const buried = await receive(dead);
    expect(buried.deadLetterReason).toBe('MaxDeliveryCountExceeded');
    await dead.completeMessage(buried);
    await Promise.all([receiver.close(), dead.close()]);
  });

  test('what is dead-lettered on purpose keeps its reason', async () => {
    const { client, queues } = target();
    await send(client, queues.plain, { body: 'b', applicationProperties: { traceparent: 'kept' } });
    const receiver = client.createReceiver(queues.plain);
    await receiver.deadLetterMessage(await receive(receiver), {
      deadLetterReason: 'low_quality',
      deadLetterErrorDescription: 'blurred',
    });
    const dead = client.createReceiver(queues.plain, { subQueueType: 'deadLetter' });
    const buried = await receive(dead);
    expect(buried).toMatchObject({
      deadLetterReason: 'low_quality',
      applicationProperties: { traceparent: 'kept' },
    });
    await dead.completeMessage(buried);
    await Promise.all([receiver.close(), dead.close()]);
  });

  test('a scheduled message does not come before its time', async () => {
    const { client, queues } = target();
    const at = new Date(Date.now() + 2_000);
    await send(client, queues.plain, { body: 'c', scheduledEnqueueTimeUtc: at });
    const receiver = client.createReceiver(queues.plain);
    const message = await receive(receiver);
    expect(message.enqueuedTimeUtc?.getTime()).toBeGreaterThanOrEqual(at.getTime() - 1_000);
    await receiver.completeMessage(message);
    await receiver.close();
  });

  test('of one message ID, one message comes, even if both lie in the future', async () => {
    const { client, queues } = target();
    const messageId = `m.${randomUUID()}`;
    const scheduledEnqueueTimeUtc = new Date(Date.now() + 1_000);
    for (const body of [1, 2])
      await send(client, queues.deduplicated, { body, messageId, scheduledEnqueueTimeUtc });
    const receiver = client.createReceiver(queues.deduplicated);
    const message = await receive(receiver);
    expect(message.body).toBe(1);
    await receiver.completeMessage(message);
    expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 3_000 })).toEqual([]);
    await receiver.close();
  });

  test('a session has one holder, and its messages come in their order', async () => {
    const { client, queues } = target();
    const sessionId = `s${randomUUID()}`;
    for (const body of [1, 2, 3]) await send(client, queues.sessions, { body, sessionId });
    const receiver = await client.acceptSession(queues.sessions, sessionId);
    await expect(client.acceptSession(queues.sessions, sessionId)).rejects.toMatchObject({
      code: 'SessionCannotBeLocked',
    });
    const bodies: unknown[] = [];
    while (bodies.length < 3) {
      const message = await receive(receiver);
      bodies.push(message.body);
      await receiver.completeMessage(message);
    }
    expect(bodies).toEqual([1, 2, 3]);
    await receiver.close();
  });
}

type Message = Parameters<ReturnType<ServiceBusClient['createSender']>['sendMessages']>[0];

async function send(client: ServiceBusClient, queue: string, message: Message): Promise<void> {
  const sender = client.createSender(queue);
  await sender.sendMessages(message);
  await sender.close();
}

async function receive(receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage> {
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 60_000 });
  if (message === undefined) throw new Error('no message came');
  return message;
}
