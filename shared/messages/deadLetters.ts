import type { ImageRef } from './workQueues.ts';
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { z } from 'zod';
import type { FailureCode } from '../errors/errors.ts';
import { queues } from '../config/resources.ts';
import type { ServiceBus } from './serviceBus.ts';

/** An image whose processing was given up. `ref` holds hashes of person and path; `detail` holds no name. */
export type Failure = { ref: ImageRef; code: FailureCode; detail: string };

export interface DeadLetters {
  /** Puts a failure into the dead-letter queue of `failures`, with the failure's code as the dead-letter reason. */
  add(failure: Failure): Promise<void>;
  /** Empties the dead-letter queues of all queues. `enqueueAgain` receives the body and the queue of each message. */
  drain(enqueueAgain: (queue: string, body: unknown) => Promise<void>): Promise<void>;
  /** Deletes messages sent before `time` (milliseconds since 1970) from the dead-letter queues of all queues. */
  dropSentBefore(time: number): Promise<void>;
}

const failureBody = z.object({ failure: z.object({ code: z.string(), detail: z.string() }) });

const batch = 50;
/** Limits of one `drain` per queue: a message that is enqueued again may be dead-lettered again at once. */
const drainedAtMost = 5_000;
const drainsForMs = 15_000;
const waitMs = 1_000;

/**
 * Failures in a dead-letter queue, where operators look for them. A function cannot dead-letter a message with a custom
 * reason, so a failure is sent to the queue `failures`, which has no function, and dead-lettered from there at once.
 * A failure that a crash leaves between these two steps is dead-lettered by the next failure or redrive.
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

  /** Relies on dead-lettered messages keeping their enqueue time and being received oldest first. */
  async function dropOld(queue: string, time: number): Promise<void> {
    const receiver = client.createReceiver(queue, { subQueueType: 'deadLetter' });
    const isOld = ({ enqueuedTimeUtc }: ServiceBusReceivedMessage): boolean =>
      (enqueuedTimeUtc?.getTime() ?? 0) < time;
    try {
      const endAt = performance.now() + drainsForMs;
      // Receives only the oldest message at first, because locks on younger messages would hide them from a redrive.
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
      // Queues are drained in parallel, because each drain waits `waitMs` to learn that its queue is empty.
      await Promise.all(
        Object.values(queues).map(({ name: queue }) =>
          drainQueue(queue, (body) => enqueueAgain(queue, body)),
        ),
      );
    },
  };
}
