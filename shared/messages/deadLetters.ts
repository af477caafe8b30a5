import type { ImageRef } from './workQueues.ts';
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus';
import { z } from 'zod';
import type { FailureCode } from '../errors/errors.ts';
import { queues } from '../config/resources.ts';
import type { Log } from '../telemetry/log.ts';
import type { ServiceBus } from './serviceBus.ts';

/** An image whose processing was given up. `ref` holds hashes of person and path; `detail` holds no name. */
export type Failure = { ref: ImageRef; code: FailureCode; detail: string };

export interface DeadLetters {
  /** Puts a failure into the dead-letter queue of `failures`, with the failure's code as the dead-letter reason. */
  add(failure: Failure): Promise<void>;
  /** Empties the dead-letter queues of all queues. `enqueueAgain` receives the body and the queue of each message. */
  drain(enqueueAgain: EnqueueAgain): Promise<void>;
  /** Deletes messages sent before `time` (milliseconds since 1970) from the dead-letter queues of all queues. */
  dropSentBefore(time: number): Promise<void>;
}

type EnqueueAgain = (queue: string, body: unknown) => Promise<void>;

const failureBody = z.object({ failure: z.object({ code: z.string(), detail: z.string() }) });
/** The dead-letter reason of a message in `failures` that this version cannot read. */
const unreadable = { code: 'unreadable', detail: 'The message is no failure that this version can read.' };

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
export function createDeadLetters(client: ServiceBus, log: Pick<Log, 'error'>): DeadLetters {
  const names = Object.values(queues).map(({ name }) => name);
  const settle = () =>
    withReceiver(client.createReceiver(queues.failures.name), (from) => settleAll(from, log));
  // Queues are emptied in parallel, because it takes `waitMs` to learn that a queue is empty.
  const ofEachQueue = (use: (receiver: ServiceBusReceiver, queue: string) => Promise<void>) =>
    Promise.all(
      names.map((queue) =>
        withReceiver(client.createReceiver(queue, { subQueueType: 'deadLetter' }), (from) =>
          use(from, queue),
        ),
      ),
    );

  return {
    async add({ ref, code, detail }) {
      const sender = client.createSender(queues.failures.name);
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

    async drain(enqueueAgain) {
      await settle();
      await ofEachQueue((receiver, queue) => drain(receiver, (body) => enqueueAgain(queue, body)));
    },

    async dropSentBefore(time) {
      await ofEachQueue((receiver) => dropOld(receiver, time));
    },
  };
}

async function withReceiver(
  receiver: ServiceBusReceiver,
  use: (receiver: ServiceBusReceiver) => Promise<void>,
): Promise<void> {
  try {
    await use(receiver);
  } finally {
    await receiver.close();
  }
}

/** Dead-letters one batch of failures. An unreadable one is dead-lettered too, so that those behind it do not wait. */
async function settleAll(receiver: ServiceBusReceiver, log: Pick<Log, 'error'>): Promise<void> {
  for (const message of await receiver.receiveMessages(batch, { maxWaitTimeInMs: waitMs })) {
    const parsed = failureBody.safeParse(message.body);
    const { code, detail } = parsed.success ? parsed.data.failure : unreadable;
    await receiver.deadLetterMessage(message, {
      deadLetterReason: code,
      deadLetterErrorDescription: detail,
    });
    if (!parsed.success) log.error('a message in failures cannot be read and is dead-lettered', parsed.error);
  }
}

async function drain(
  receiver: ServiceBusReceiver,
  enqueueAgain: (body: unknown) => Promise<void>,
): Promise<void> {
  const endAt = performance.now() + drainsForMs;
  for (let drained = 0; drained < drainedAtMost && performance.now() < endAt;) {
    const messages = await receiver.receiveMessages(batch, { maxWaitTimeInMs: waitMs });
    if (messages.length === 0) return;
    for (const message of messages) {
      await enqueueAgain(message.body);
      await receiver.completeMessage(message);
    }
    drained += messages.length;
  }
}

/** Relies on dead-lettered messages keeping their enqueue time and being received oldest first. */
async function dropOld(receiver: ServiceBusReceiver, time: number): Promise<void> {
  const isOld = ({ enqueuedTimeUtc }: ServiceBusReceivedMessage): boolean =>
    (enqueuedTimeUtc?.getTime() ?? 0) < time;
  const endAt = performance.now() + drainsForMs;
  // Receives only the oldest message at first, because locks on younger messages would hide them from a redrive.
  for (let count = 1; performance.now() < endAt; count = batch) {
    const messages = await receiver.receiveMessages(count, { maxWaitTimeInMs: waitMs });
    for (const message of messages)
      await (isOld(message) ? receiver.completeMessage(message) : receiver.abandonMessage(message));
    if (messages.length === 0 || !messages.every(isOld)) return;
  }
}
