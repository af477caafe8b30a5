import { DueTimes } from './dueTimes.ts';

/**
 * The times at which messages of one queue change by themselves.
 *
 * A scheduled message has an activation time. An available message with a time to live has an expiry time. A locked or
 * deferred message has neither, because it does not expire.
 *
 * Transitions: nothing → activation or expiry time (`activateAt`, `expireAt`); either → nothing, when it is due
 * (`takeActivation`, `takeExpiry`) or when the message is taken or removed (`cancel`).
 */
export class Schedule {
  readonly #activations = new DueTimes<number>();
  readonly #expiries = new DueTimes<number>();

  activateAt(sequenceNumber: number, at: number): void {
    this.#activations.set(sequenceNumber, at);
  }

  expireAt(sequenceNumber: number, at: number): void {
    this.#expiries.set(sequenceNumber, at);
  }

  cancel(sequenceNumber: number): void {
    this.#activations.delete(sequenceNumber);
    this.#expiries.delete(sequenceNumber);
  }

  /** The number of a message that has become active; undefined when there is none. */
  takeActivation(now: number): number | undefined {
    return this.#activations.take(now);
  }

  /** The number of a message that has expired; undefined when there is none. */
  takeExpiry(now: number): number | undefined {
    return this.#expiries.take(now);
  }

  get nextDue(): number {
    return Math.min(this.#activations.next, this.#expiries.next);
  }
}
