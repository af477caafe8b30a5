import { setTimeout as sleep } from 'node:timers/promises';
import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';

export type VisibilityOptions = {
  queue: Pick<QueueClient, 'updateMessage'>;
  /** How long a renewal keeps the message from other receivers. Renewals are half of this time apart. */
  visibilitySeconds: number;
  onError: (error: unknown) => void;
};

/**
 * Renews the visibility timeout of a received message until the returned function is called. Each renewal replaces the
 * pop receipt of the message, and a delete with an earlier receipt is refused. Renewals therefore run one after the
 * other, and the returned function waits for the renewal in flight before it gives the receipt that is valid.
 */
export function renewVisibility(
  message: Pick<DequeuedMessageItem, 'messageId' | 'popReceipt'>,
  options: VisibilityOptions,
): () => Promise<string> {
  const stop = new AbortController();
  const validReceipt = renewUntil(stop.signal, message, options);
  return () => {
    stop.abort();
    return validReceipt;
  };
}

async function renewUntil(
  signal: AbortSignal,
  message: Pick<DequeuedMessageItem, 'messageId' | 'popReceipt'>,
  { queue, visibilitySeconds, onError }: VisibilityOptions,
): Promise<string> {
  const intervalMs = visibilitySeconds * 500;
  let { popReceipt } = message;
  for (;;) {
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return popReceipt;
    try {
      // A renewal without an answer on a dead connection must not hold up the end of the message.
      const abortSignal = AbortSignal.timeout(intervalMs);
      const renewed = await queue.updateMessage(message.messageId, popReceipt, undefined, visibilitySeconds, {
        abortSignal,
      });
      popReceipt = renewed.popReceipt ?? popReceipt;
    } catch (error) {
      onError(error);
    }
  }
}
