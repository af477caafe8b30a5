import { setTimeout as sleep } from 'node:timers/promises';
import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';

export type QueueListenerOptions = {
  queue: QueueClient;
  /** How long a received message is kept from other receivers. */
  visibilitySeconds: number;
  /** How many messages are handled at the same time. */
  concurrency: number;
  /** Never rejects. */
  handle: (message: DequeuedMessageItem) => Promise<void>;
  onError: (error: unknown) => void;
};

export type StorageQueueListener = {
  /** Ends the pause of an empty queue. */
  wake(): void;
  /** Receives nothing more, and waits for the messages that are being handled. */
  close(): Promise<void>;
};

const firstPauseMs = 100;
const longestPauseMs = 1_000;
/** The most messages that Azure gives for one request. */
const mostReceived = 32;

/**
 * Receives the messages of a storage queue and handles them.
 *
 * full:       `concurrency` messages are being handled; the listener waits for the end of one.
 * receiving:  the listener asks for one message per free place.
 * pausing:    the queue was empty or could not be read. Each such answer in a row doubles the pause; `wake` ends it.
 */
export function listenToStorageQueue(options: QueueListenerOptions): StorageQueueListener {
  const stop = new AbortController();
  const running = new Set<Promise<void>>();
  let endPause = new AbortController();
  const listening = listen();

  async function listen(): Promise<void> {
    let pauseMs = firstPauseMs;
    while (!stop.signal.aborted) {
      const free = options.concurrency - running.size;
      if (free === 0) {
        await Promise.race(running);
        continue;
      }
      const messages = await receive(Math.min(free, mostReceived));
      for (const message of messages) {
        const done = options.handle(message).finally(() => running.delete(done));
        running.add(done);
      }
      pauseMs = messages.length > 0 ? firstPauseMs : Math.min(pauseMs * 2, longestPauseMs);
      if (messages.length === 0) await pause(pauseMs);
    }
  }

  async function receive(numberOfMessages: number): Promise<DequeuedMessageItem[]> {
    const { queue, visibilitySeconds, onError } = options;
    try {
      const answer = await queue.receiveMessages({ numberOfMessages, visibilityTimeout: visibilitySeconds });
      return answer.receivedMessageItems;
    } catch (error) {
      if (!stop.signal.aborted) onError(error);
      return [];
    }
  }

  async function pause(ms: number): Promise<void> {
    endPause = new AbortController();
    const signal = AbortSignal.any([stop.signal, endPause.signal]);
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  }

  return {
    wake: () => endPause.abort(),
    async close() {
      stop.abort();
      await listening;
      await Promise.all(running);
    },
  };
}
