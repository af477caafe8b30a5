import { randomUUID } from 'node:crypto';
import { DueTimes } from './dueTimes.ts';
import type { Delivery, StoredMessage } from './message.ts';
import { refusals } from './serviceBusError.ts';
import type { HeldSession } from './sessions.ts';

type Lock = { message: StoredMessage; until: number; session: HeldSession | undefined };

/**
 * The locks on messages of one queue, in memory only: after a restart no message is locked.
 *
 * States of a message: unlocked, locked by one token.
 * Transitions: unlocked → locked (`add`); locked → locked for longer (`renew`); locked → unlocked, when it is settled
 * (`release`), when its time is over (`takeExpired`) or when its session ends (`releaseAll`). What an ended lock means
 * for the message and its delivery count, the queue decides.
 *
 * Invariants: a message has at most one lock; a lock within a session lasts exactly as long as the session is held, and
 * only locks outside of sessions expire by themselves.
 */
export class Locks {
  readonly #durationMs: number;
  readonly #now: () => number;
  readonly #byToken = new Map<string, Lock>();
  readonly #locked = new Set<StoredMessage>();
  readonly #expiries = new DueTimes<string>();

  constructor(durationMs: number, now: () => number) {
    this.#durationMs = durationMs;
    this.#now = now;
  }

  add(message: StoredMessage, session?: HeldSession): Delivery {
    const lockToken = randomUUID();
    const lockedUntil = session?.lockedUntil ?? this.#now() + this.#durationMs;
    this.#byToken.set(lockToken, { message, until: lockedUntil, session });
    this.#locked.add(message);
    if (session === undefined) this.#expiries.set(lockToken, lockedUntil);
    else session.lockTokens.add(lockToken);
    return { ...message, lockToken, lockedUntil };
  }

  isLocked(message: StoredMessage): boolean {
    return this.#locked.has(message);
  }

  /** @throws ServiceBusRefusal when the lock is lost */
  getMessage(lockToken: string): StoredMessage {
    return this.#get(lockToken).message;
  }

  /**
   * Returns the time until which the message is locked now.
   * @throws ServiceBusRefusal when the lock is lost
   */
  renew(lockToken: string): number {
    const lock = this.#get(lockToken);
    lock.until = this.#now() + this.#durationMs;
    if (lock.session === undefined) this.#expiries.set(lockToken, lock.until);
    return lock.until;
  }

  /** @throws ServiceBusRefusal when the lock is lost */
  release(lockToken: string): StoredMessage {
    const lock = this.#get(lockToken);
    this.#remove(lockToken, lock);
    return lock.message;
  }

  /** Returns the messages that were locked within the session. */
  releaseAll(session: HeldSession): StoredMessage[] {
    return [...session.lockTokens].flatMap((lockToken) => {
      const lock = this.#byToken.get(lockToken);
      if (lock === undefined) return [];
      this.#remove(lockToken, lock);
      return [lock.message];
    });
  }

  /** Removes a lock whose time is over and returns its message; undefined when there is none. */
  takeExpired(now: number): StoredMessage | undefined {
    const lockToken = this.#expiries.take(now);
    const lock = lockToken === undefined ? undefined : this.#byToken.get(lockToken);
    if (lockToken === undefined || lock === undefined) return undefined;
    this.#remove(lockToken, lock);
    return lock.message;
  }

  get nextDue(): number {
    return this.#expiries.next;
  }

  #get(lockToken: string): Lock {
    const lock = this.#byToken.get(lockToken);
    if (lock === undefined || this.#now() >= (lock.session?.lockedUntil ?? lock.until)) {
      throw refusals.messageLockLost();
    }
    return lock;
  }

  #remove(lockToken: string, { message, session }: Lock): void {
    this.#byToken.delete(lockToken);
    this.#locked.delete(message);
    this.#expiries.delete(lockToken);
    session?.lockTokens.delete(lockToken);
  }
}
