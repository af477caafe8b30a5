import type { QueueStore } from './store.ts';

/** Remembers on disk which message IDs a queue has accepted within its window. A window of 0 accepts all. */
export class DuplicateDetection {
  readonly #windowMs: number;
  readonly #store: QueueStore;

  constructor(windowSeconds: number, store: QueueStore) {
    this.#windowMs = windowSeconds * 1_000;
    this.#store = store;
  }

  /** Remembers a message ID that is no duplicate. */
  isDuplicate(messageId: string, now: number): boolean {
    if (this.#windowMs === 0) return false;
    const seenAt = this.#store.seenAt(messageId);
    if (seenAt !== undefined && seenAt > now - this.#windowMs) return true;
    this.#store.see(messageId, now);
    this.#store.forgetSeenBefore(now - this.#windowMs);
    return false;
  }
}
