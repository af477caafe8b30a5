import type { ImageRef } from './workQueues.ts';
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { z } from 'zod';
import type { FailureCode } from '../errors/errors.ts';
import { queues } from '../config/resources.ts';
import type { ServiceBus } from './serviceBus.ts';

/** A picture that was given up. The reference is hashes; `detail` holds no name. */
export type Failure = { ref: ImageRef; code: FailureCode; detail: string };

export interface DeadLetters {
  /** Puts a failure into the dead-letter queue of `failures`, with its code as the reason. */
  add(failure: Failure): Promise<void>;
  /** Takes everything out of the dead-letter queues of all queues. `enqueueAgain` gets each body with its queue. */
  drain(enqueueAgain: (queue: string, body: unknown) => Promise<void>): Promise<void>;
  /** Drops what was sent before that time (milliseconds since 1970) from the dead-letter queues of all queues. */
  dropSentBefore(time: number): Promise<void>;
}

const failureBody = z.object({ failure: z.object({ code: z.string(), detail: z.string() }) });

const batch = 50;
/** Bounds of one call for each queue: a message that is queued again may be dead-lettered again at once. */
const drainedAtMost = 5_000;
const drainsForMs = 15_000;
const waitMs = 1_000;

/**
 * Failures where operators look for them. Functions cannot dead-letter a message with a reason of their own, so a
 * failure goes through a queue that has no function: it is sent there and dead-lettered at once. What a death leaves
 * between the two, the next failure or redrive takes along.
 */
export function createDeadLetters(client: ServiceBus): DeadLetters {
  const { name } = queues.failures;

  async function settle(): Promise<void> {
    const receiver = client.createReceiver(name);
    try {
      for (const message of await receiver.receiveMessages(batch, { maxWaitTimeInMs: waitMs })) {
        const { code, detail } = failureBody.parse(message.body).failure;
        await receiver.deadLetterMessage(message, {
          deadLetterReason: code,
          deadLetterErrorDescription: detail,
        });
      }
    } finally {
      await receiver.close();
    }
  }

  async function drainQueue(queue: string, enqueueAgain: (body: unknown) => Promise<void>): Promise<void> {
    const receiver = client.createReceiver(queue, { subQueueType: 'deadLetter' });
    let drained = 0;
    try {
      const endAt = performance.now() + drainsForMs;
      while (drained < drainedAtMost && performance.now() < endAt) {
        const messages: ServiceBusReceivedMessage[] = await receiver.receiveMessages(batch, {
          maxWaitTimeInMs: waitMs,
        });
        if (messages.length === 0) break;
        for (const message of messages) {
          await enqueueAgain(message.body);
          await receiver.completeMessage(message);
        }
        drained += messages.length;
      }
    } finally {
      await receiver.close();
    }
  }

  /** A dead letter keeps the time at which it was sent, and the oldest comes first. */
  async function dropOld(queue: string, time: number): Promise<void> {
    const receiver = client.createReceiver(queue, { subQueueType: 'deadLetter' });
    const isOld = ({ enqueuedTimeUtc }: ServiceBusReceivedMessage): boolean =>
      (enqueuedTimeUtc?.getTime() ?? 0) < time;
    try {
      const endAt = performance.now() + drainsForMs;
      // One at first, for it is the oldest: a lock would hide younger ones from a redrive.
      for (let count = 1; performance.now() < endAt; count = batch) {
        const messages = await receiver.receiveMessages(count, { maxWaitTimeInMs: waitMs });
        for (const message of messages)
          await (isOld(message) ? receiver.completeMessage(message) : receiver.abandonMessage(message));
        if (messages.length === 0 || !messages.every(isOld)) return;
      }
    } finally {
      await receiver.close();
    }
  }

  return {
    async add({ ref, code, detail }) {
      const sender = client.createSender(name);
      try {
        await sender.sendMessages({
          body: { failure: { ...ref, code, detail } },
          contentType: 'application/json',
        });
      } finally {
        await sender.close();
      }
      await settle();
    },

    async dropSentBefore(time) {
      await Promise.all(Object.values(queues).map(({ name: queue }) => dropOld(queue, time)));
    },

    async drain(enqueueAgain) {
      await settle();
      // At once: each waits for a while until it knows that its queue is empty.
      await Promise.all(
        Object.values(queues).map(({ name: queue }) =>
          drainQueue(queue, (body) => enqueueAgain(queue, body)),
        ),
      );
    },
  };
}
