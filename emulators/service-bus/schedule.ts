import { DueTimes } from './dueTimes.ts';
import type { StoredMessage } from './message.ts';

/**
 * The times at which messages of one queue change by themselves.
 *
 * States of a message: it waits for its activation (a scheduled message), for its expiry (an available message with a
 * time to live), or for nothing. A locked or deferred message waits for nothing, because it does not expire.
 * Transitions: nothing → activation or expiry (`add`); either → nothing, when it is due (`takeActivated`,
 * `takeExpired`) or when the message is taken or removed (`cancel`).
 */
export class Schedule {
  readonly #activations = new DueTimes<StoredMessage>();
  readonly #expiries = new DueTimes<StoredMessage>();

  add(message: StoredMessage): void {
    const { state, scheduledFor, expiresAt } = message;
    if (state === 'scheduled' && scheduledFor !== null) this.#activations.set(message, scheduledFor);
    if (state === 'active' && expiresAt !== null) this.#expiries.set(message, expiresAt);
  }

  cancel(message: StoredMessage): void {
    this.#activations.delete(message);
    this.#expiries.delete(message);
  }

  /** A scheduled message whose time has come; undefined when there is none. */
  takeActivated(now: number): StoredMessage | undefined {
    return this.#activations.take(now);
  }

  /** An available message whose time to live is over; undefined when there is none. */
  takeExpired(now: number): StoredMessage | undefined {
    return this.#expiries.take(now);
  }

  get nextDue(): number {
    return Math.min(this.#activations.next, this.#expiries.next);
  }
}
