import { DueTimes } from './dueTimes.ts';
import { refusals } from './serviceBusError.ts';
import { SortedNumbers } from './sortedNumbers.ts';
import type { QueueStore } from './store.ts';

/** A session that one receiver holds. */
export type HeldSession = {
  readonly sessionId: string;
  lockedUntil: number;
  /** The locks on messages of the session. */
  readonly lockTokens: Set<string>;
  /** Called when the holder loses the session because its lock has expired. */
  readonly onLost: () => void;
};

/**
 * The sessions of one queue: the available messages, the holder and the state of each.
 *
 * States: idle (no available message, no holder), ready (available messages, no holder), held.
 * Transitions: idle → ready when a message becomes available (`add`); ready → idle when the last one is removed
 * (`delete`); idle or ready → held (`accept`); ready → held in the order in which sessions became ready (`acceptNext`);
 * held → ready or idle, when the holder lets go or its lock has expired (`free`).
 *
 * Invariants: a session has at most one holder; its messages are taken in the order of their numbers. Holders are in
 * memory only. The state of a session is on disk and stays until it is cleared, also without messages.
 */
export class Sessions {
  readonly #durationMs: number;
  readonly #store: QueueStore;
  readonly #now: () => number;
  /** Numbers of available messages by session; a session without any has no entry, or an empty one while it is held. */
  readonly #available = new Map<string, SortedNumbers>();
  readonly #held = new Map<string, HeldSession>();
  readonly #expiries = new DueTimes<string>();
  readonly #ready = new Set<string>();

  constructor(durationMs: number, store: QueueStore, now: () => number) {
    this.#durationMs = durationMs;
    this.#store = store;
    this.#now = now;
  }

  /** A message of the session has become available. */
  add(sessionId: string, sequenceNumber: number): void {
    const available = this.#available.get(sessionId) ?? new SortedNumbers();
    available.add(sequenceNumber);
    this.#available.set(sessionId, available);
    if (!this.#held.has(sessionId)) this.#ready.add(sessionId);
  }

  /** Takes the first available message; undefined when there is none. */
  take(sessionId: string): number | undefined {
    return this.#available.get(sessionId)?.take();
  }

  /** A message of the session is gone. */
  delete(sessionId: string, sequenceNumber: number): void {
    this.#available.get(sessionId)?.delete(sequenceNumber);
    this.#dropIfEmpty(sessionId);
  }

  /** @throws ServiceBusRefusal when another receiver holds the session */
  accept(sessionId: string, onLost: () => void): HeldSession {
    if (this.#held.has(sessionId)) throw refusals.sessionCannotBeLocked(sessionId);
    const lockedUntil = this.#now() + this.#durationMs;
    const session: HeldSession = { sessionId, lockedUntil, lockTokens: new Set(), onLost };
    this.#held.set(sessionId, session);
    this.#expiries.set(sessionId, lockedUntil);
    this.#ready.delete(sessionId);
    return session;
  }

  /** Accepts the session that has been ready for longest; undefined when none is ready. */
  acceptNext(onLost: () => void): HeldSession | undefined {
    const [sessionId] = this.#ready;
    return sessionId === undefined ? undefined : this.accept(sessionId, onLost);
  }

  /** @throws ServiceBusRefusal when the session is not held, or its lock has expired */
  getHeld(sessionId: string): HeldSession {
    const session = this.#held.get(sessionId);
    if (session === undefined || session.lockedUntil <= this.#now()) throw refusals.sessionLockLost();
    return session;
  }

  isHeld(session: HeldSession): boolean {
    return this.#held.get(session.sessionId) === session;
  }

  /**
   * Returns the time until which the session is locked now.
   * @throws ServiceBusRefusal when the session is not held, or its lock has expired
   */
  renew(sessionId: string): number {
    const session = this.getHeld(sessionId);
    session.lockedUntil = this.#now() + this.#durationMs;
    this.#expiries.set(sessionId, session.lockedUntil);
    return session.lockedUntil;
  }

  /** Ends the hold on a session, after its messages have been put back. */
  free({ sessionId }: HeldSession): void {
    this.#held.delete(sessionId);
    this.#expiries.delete(sessionId);
    if ((this.#available.get(sessionId)?.size ?? 0) > 0) this.#ready.add(sessionId);
    this.#dropIfEmpty(sessionId);
  }

  /** A held session whose lock has expired, which `free` has to follow; undefined when there is none. */
  takeExpired(now: number): HeldSession | undefined {
    const sessionId = this.#expiries.take(now);
    return sessionId === undefined ? undefined : this.#held.get(sessionId);
  }

  get nextDue(): number {
    return this.#expiries.next;
  }

  /** @throws ServiceBusRefusal when the session is not held, or its lock has expired */
  getState(sessionId: string): Uint8Array | undefined {
    this.getHeld(sessionId);
    return this.#store.sessionState(sessionId);
  }

  /** @throws ServiceBusRefusal when the session is not held, or its lock has expired */
  setState(sessionId: string, state: Uint8Array | undefined): void {
    this.getHeld(sessionId);
    this.#store.setSessionState(sessionId, state);
  }

  #dropIfEmpty(sessionId: string): void {
    if (this.#available.get(sessionId)?.size !== 0) return;
    this.#available.delete(sessionId);
    this.#ready.delete(sessionId);
  }
}
