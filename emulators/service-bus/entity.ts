import { randomUUID } from 'node:crypto';
import { DueTimes } from './dueTimes.ts';
import { refusals } from './serviceBusError.ts';
import { SortedNumbers } from './sortedNumbers.ts';
import type { EntityStore, MessageContent, StoredMessage } from './store.ts';

export type QueueDescription = {
  name: string;
  requiresSession: boolean;
  lockDurationSeconds: number;
  maxDeliveryCount: number;
  duplicateDetectionWindowSeconds?: number;
  defaultTimeToLiveSeconds?: number;
  deadLetteringOnExpiration?: boolean;
};

/** A message as it comes in. */
export type IncomingMessage = {
  messageId: string;
  sessionId: string | null;
  scheduledFor: number | null;
  content: MessageContent;
};

/** A message as it goes out: locked, or taken for good. */
export type Delivery = StoredMessage & { lockToken: string; lockedUntil: number };

export type DeadLetterReason = { reason: string; description: string };

type Lock = { sequenceNumber: number; until: number; session: SessionHold | undefined };

/** A session in somebody's hands. `lost` is called when it is taken away. */
export type SessionHold = { sessionId: string; lockedUntil: number; lost: () => void };

/**
 * One queue, or the dead-letter queue of one.
 *
 * A message is scheduled, active or deferred; an active one is available, or locked by a token. Transitions:
 * scheduled → active at its time (with a new number); available → locked on delivery; locked → gone (complete), →
 * available in its old place (abandon, lock lost; delivery count + 1), → deferred, → dead-letter queue (on request,
 * or at the n-th failed delivery); any → dead-letter queue or gone when its time to live is over.
 *
 * Invariants: a message is in exactly one of these places; the messages of a session are delivered in the order of
 * their numbers, to its one holder; what a call has accepted is on disk when it returns. Locks are in memory only:
 * after a restart every message is available again.
 */
export class Entity {
  readonly description: QueueDescription;
  readonly deadLetters: Entity | undefined;
  /** Called when something may have become deliverable. */
  onAvailable: () => void = () => undefined;

  readonly #store: EntityStore;
  readonly #now: () => number;
  readonly #rewriteForDeadLetter: (bare: Uint8Array, reason: DeadLetterReason) => Uint8Array;
  readonly #messages = new Map<number, StoredMessage>();
  readonly #scheduled = new DueTimes<number>();
  /** Messages in line: one that is locked or deferred does not expire. */
  readonly #expiring = new DueTimes<number>();
  readonly #locks = new Map<string, Lock>();
  /** Numbers of the messages that they are on. */
  readonly #locked = new Set<number>();
  /** Of the locks outside of sessions, by token. */
  readonly #lockTimes = new DueTimes<string>();
  /** Tokens of the locks of each session in somebody's hands. */
  readonly #locksOf = new Map<SessionHold, Set<string>>();
  readonly #available = new SortedNumbers();
  readonly #sessions = new Map<string, SortedNumbers>();
  readonly #holds = new Map<string, SessionHold>();
  readonly #holdTimes = new DueTimes<string>();
  /** Sessions with something to deliver and no holder, in the order in which they became so. */
  readonly #readySessions = new Set<string>();
  #sequence: number;

  constructor(
    description: QueueDescription,
    store: EntityStore,
    options: {
      now: () => number;
      deadLetters: Entity | undefined;
      rewriteForDeadLetter: (bare: Uint8Array, reason: DeadLetterReason) => Uint8Array;
    },
  ) {
    this.description = description;
    this.deadLetters = options.deadLetters;
    this.#store = store;
    this.#now = options.now;
    this.#rewriteForDeadLetter = options.rewriteForDeadLetter;
    this.#sequence = store.lastSequence();
    for (const message of store.load()) this.#place(message);
  }

  /** Accepts all messages or none; a duplicate is accepted and dropped. Returns the numbers, 0 for a duplicate. */
  send(incoming: readonly IncomingMessage[]): number[] {
    if (this.description.requiresSession && incoming.some(({ sessionId }) => sessionId === null)) {
      throw refusals.noSessionId();
    }
    const placed: StoredMessage[] = [];
    const numbers = this.#store.atomically(() =>
      incoming.map((message) => {
        if (this.#isDuplicate(message.messageId)) return 0;
        const stored = this.#newMessage(message);
        this.#store.insert(stored, message.content);
        placed.push(stored);
        return stored.sequenceNumber;
      }),
    );
    for (const message of placed) this.#place(message);
    if (placed.length > 0) this.onAvailable();
    return numbers;
  }

  #newMessage({ messageId, sessionId, scheduledFor, content }: IncomingMessage): StoredMessage {
    const now = this.#now();
    const isScheduled = scheduledFor !== null && scheduledFor > now;
    this.#sequence += 1;
    return {
      sequenceNumber: this.#sequence,
      messageId,
      sessionId,
      state: isScheduled ? 'scheduled' : 'active',
      deliveryCount: 0,
      enqueuedAt: now,
      scheduledFor: isScheduled ? scheduledFor : null,
      expiresAt: this.#expiry(content.ttl, isScheduled ? scheduledFor : now),
      wasScheduled: isScheduled,
    };
  }

  #expiry(ttl: number | null, from: number): number | null {
    const limits = [ttl, (this.description.defaultTimeToLiveSeconds ?? Infinity) * 1_000].filter(
      (limit) => limit !== null,
    );
    const least = Math.min(...limits);
    return Number.isFinite(least) ? from + least : null;
  }

  #isDuplicate(messageId: string): boolean {
    const windowMs = (this.description.duplicateDetectionWindowSeconds ?? 0) * 1_000;
    if (windowMs === 0) return false;
    const now = this.#now();
    const seenAt = this.#store.seenAt(messageId);
    if (seenAt !== undefined && seenAt > now - windowMs) return true;
    this.#store.see(messageId, now);
    this.#store.forgetSeenBefore(now - windowMs);
    return false;
  }

  #place(message: StoredMessage): void {
    const { sequenceNumber, state, scheduledFor } = message;
    this.#messages.set(sequenceNumber, message);
    if (state === 'scheduled' && scheduledFor !== null) this.#scheduled.set(sequenceNumber, scheduledFor);
    if (state === 'active') this.#makeAvailable(message);
  }

  #makeAvailable({ sequenceNumber, sessionId, expiresAt }: StoredMessage): void {
    if (expiresAt !== null) this.#expiring.set(sequenceNumber, expiresAt);
    if (!this.description.requiresSession || sessionId === null) {
      this.#available.add(sequenceNumber);
      return;
    }
    const session = this.#sessions.get(sessionId) ?? new SortedNumbers();
    session.add(sequenceNumber);
    this.#sessions.set(sessionId, session);
    if (!this.#holds.has(sessionId)) this.#readySessions.add(sessionId);
  }

  #remove(message: StoredMessage): void {
    const { sequenceNumber, sessionId } = message;
    this.#store.remove(sequenceNumber);
    this.#messages.delete(sequenceNumber);
    this.#scheduled.delete(sequenceNumber);
    this.#expiring.delete(sequenceNumber);
    this.#available.delete(sequenceNumber);
    if (sessionId !== null) this.#sessions.get(sessionId)?.delete(sequenceNumber);
    this.#tidySession(sessionId);
  }

  #tidySession(sessionId: string | null): void {
    if (sessionId === null || this.#sessions.get(sessionId)?.size !== 0) return;
    this.#sessions.delete(sessionId);
    this.#readySessions.delete(sessionId);
  }

  /** The next message of the queue, or of a session in hand; undefined when there is none. */
  deliver(session?: SessionHold, forGood = false): Delivery | undefined {
    const from = session === undefined ? this.#available : this.#sessions.get(session.sessionId);
    const message = this.#messages.get(from?.take() ?? 0);
    if (message === undefined) return undefined;
    this.#expiring.delete(message.sequenceNumber);
    return forGood ? this.#take(message) : this.#lock(message, session);
  }

  #take(message: StoredMessage): Delivery {
    return { ...message, lockToken: randomUUID(), lockedUntil: this.#now() };
  }

  /** A message that was delivered for good is gone once it has been written to the wire. */
  deliveredForGood(delivery: Delivery): void {
    this.#remove(delivery);
  }

  #lock(message: StoredMessage, session: SessionHold | undefined): Delivery {
    const lockToken = randomUUID();
    const lockedUntil = session?.lockedUntil ?? this.#now() + this.description.lockDurationSeconds * 1_000;
    this.#locks.set(lockToken, { sequenceNumber: message.sequenceNumber, until: lockedUntil, session });
    this.#locked.add(message.sequenceNumber);
    if (session === undefined) this.#lockTimes.set(lockToken, lockedUntil);
    else this.#locksOf.get(session)?.add(lockToken);
    return { ...message, lockToken, lockedUntil };
  }

  content(sequenceNumber: number): MessageContent {
    return this.#store.content(sequenceNumber);
  }

  complete(lockToken: string): void {
    this.#remove(this.#unlock(lockToken));
  }

  abandon(lockToken: string, bare?: Uint8Array): void {
    const message = this.#unlock(lockToken);
    if (bare !== undefined) this.#store.rewrite(message.sequenceNumber, bare);
    this.#failed(message);
    this.onAvailable();
  }

  defer(lockToken: string, bare?: Uint8Array): void {
    const message = this.#unlock(lockToken);
    message.state = 'deferred';
    // In a dead-letter queue the count stands still.
    if (this.deadLetters !== undefined) message.deliveryCount += 1;
    this.#store.atomically(() => {
      this.#store.update(message);
      if (bare !== undefined) this.#store.rewrite(message.sequenceNumber, bare);
    });
  }

  /** @throws ServiceBusRefusal in a dead-letter queue, where the message is available again */
  deadLetter(lockToken: string, reason: DeadLetterReason, bare?: Uint8Array): void {
    const message = this.#unlock(lockToken);
    if (bare !== undefined) this.#store.rewrite(message.sequenceNumber, bare);
    if (this.deadLetters === undefined) this.#failed(message);
    else this.#moveToDeadLetters(message, reason);
    this.onAvailable();
    if (this.deadLetters === undefined) throw refusals.deadLetterOfDeadLetters();
  }

  /** Which message a lock is on. @throws ServiceBusRefusal when the lock is lost */
  locked(lockToken: string): number {
    const lock = this.#locks.get(lockToken);
    if (lock === undefined || this.#now() >= this.#lockedUntil(lock)) throw refusals.messageLockLost();
    return lock.sequenceNumber;
  }

  renew(lockToken: string): number {
    this.locked(lockToken);
    const lock = this.#locks.get(lockToken);
    if (lock === undefined) throw refusals.messageLockLost();
    lock.until = this.#now() + this.description.lockDurationSeconds * 1_000;
    if (lock.session === undefined) this.#lockTimes.set(lockToken, lock.until);
    return lock.until;
  }

  #lockedUntil(lock: Lock): number {
    return lock.session?.lockedUntil ?? lock.until;
  }

  #unlock(lockToken: string): StoredMessage {
    const message = this.#messages.get(this.locked(lockToken));
    this.#forgetLock(lockToken);
    if (message === undefined) throw refusals.messageLockLost();
    return message;
  }

  /** Which message it was on, if any is there. */
  #forgetLock(lockToken: string): StoredMessage | undefined {
    const lock = this.#locks.get(lockToken);
    this.#locks.delete(lockToken);
    this.#lockTimes.delete(lockToken);
    if (lock?.session !== undefined) this.#locksOf.get(lock.session)?.delete(lockToken);
    if (lock === undefined) return undefined;
    this.#locked.delete(lock.sequenceNumber);
    return this.#messages.get(lock.sequenceNumber);
  }

  /** A delivery failed: once more, or the last time. In a dead-letter queue the count stands still. */
  #failed(message: StoredMessage): void {
    if (this.deadLetters === undefined) {
      this.#putBack(message);
      return;
    }
    message.deliveryCount += 1;
    if (message.deliveryCount >= this.description.maxDeliveryCount && message.state === 'active') {
      const description = `Message could not be consumed after ${message.deliveryCount} delivery attempts.`;
      this.#moveToDeadLetters(message, { reason: 'MaxDeliveryCountExceeded', description });
      return;
    }
    this.#store.update(message);
    this.#putBack(message);
  }

  #putBack(message: StoredMessage): void {
    if (message.state === 'active') this.#makeAvailable(message);
  }

  #moveToDeadLetters(message: StoredMessage, reason: DeadLetterReason): void {
    const { deadLetters } = this;
    if (deadLetters === undefined) return;
    const { ttl: _ttl, ...content } = this.#store.content(message.sequenceNumber);
    const bare = this.#rewriteForDeadLetter(content.bare, reason);
    this.#store.atomically(() => {
      deadLetters.#receive(message, { ...content, ttl: null, bare });
      this.#remove(message);
    });
    deadLetters.onAvailable();
  }

  #receive(message: StoredMessage, content: MessageContent): void {
    this.#sequence += 1;
    const moved: StoredMessage = {
      ...message,
      sequenceNumber: this.#sequence,
      state: 'active',
      enqueuedAt: this.#now(),
      scheduledFor: null,
      expiresAt: null,
    };
    this.#store.insert(moved, content);
    this.#place(moved);
  }

  /** Takes a session that was named. @throws ServiceBusRefusal when another has it */
  acceptSession(sessionId: string, lost: () => void): SessionHold {
    if (this.#holds.has(sessionId)) throw refusals.sessionCannotBeLocked(sessionId);
    const lockedUntil = this.#now() + this.description.lockDurationSeconds * 1_000;
    const hold: SessionHold = { sessionId, lockedUntil, lost };
    this.#holds.set(sessionId, hold);
    this.#holdTimes.set(sessionId, lockedUntil);
    this.#locksOf.set(hold, new Set());
    this.#readySessions.delete(sessionId);
    return hold;
  }

  /** Takes the session that has waited longest; undefined when none has anything to deliver. */
  acceptNextSession(lost: () => void): SessionHold | undefined {
    const [sessionId] = this.#readySessions;
    return sessionId === undefined ? undefined : this.acceptSession(sessionId, lost);
  }

  hasReadySession(): boolean {
    return this.#readySessions.size > 0;
  }

  /** The holder lets go, or is gone: what it had not settled is available again, and nothing has failed. */
  releaseSession(hold: SessionHold): void {
    if (this.#holds.get(hold.sessionId) !== hold) return;
    for (const message of this.#unlockAllOf(hold)) this.#putBack(message);
    this.#freeSession(hold);
    this.onAvailable();
  }

  renewSession(sessionId: string): number {
    const hold = this.heldSession(sessionId);
    hold.lockedUntil = this.#now() + this.description.lockDurationSeconds * 1_000;
    this.#holdTimes.set(sessionId, hold.lockedUntil);
    return hold.lockedUntil;
  }

  sessionState(sessionId: string): Uint8Array | undefined {
    this.heldSession(sessionId);
    return this.#store.sessionState(sessionId);
  }

  setSessionState(sessionId: string, state: Uint8Array | undefined): void {
    this.heldSession(sessionId);
    this.#store.setSessionState(sessionId, state);
  }

  /** @throws ServiceBusRefusal when nobody holds it any more */
  heldSession(sessionId: string): SessionHold {
    const hold = this.#holds.get(sessionId);
    if (hold === undefined || hold.lockedUntil <= this.#now()) throw refusals.sessionLockLost();
    return hold;
  }

  #unlockAllOf(hold: SessionHold): StoredMessage[] {
    const tokens = [...(this.#locksOf.get(hold) ?? [])];
    return tokens.map((token) => this.#forgetLock(token)).filter((message) => message !== undefined);
  }

  #freeSession(hold: SessionHold): void {
    const { sessionId } = hold;
    this.#holds.delete(sessionId);
    this.#holdTimes.delete(sessionId);
    this.#locksOf.delete(hold);
    if ((this.#sessions.get(sessionId)?.size ?? 0) > 0) this.#readySessions.add(sessionId);
    this.#tidySession(sessionId);
  }

  /** Removes scheduled messages before their time. @throws ServiceBusRefusal when one is not scheduled any more */
  cancelScheduled(numbers: readonly number[]): void {
    const messages = numbers.map((number) => this.#messages.get(number));
    if (messages.some((message) => message?.state !== 'scheduled')) throw refusals.messageNotFound();
    this.#store.atomically(() => {
      for (const message of messages) if (message !== undefined) this.#remove(message);
    });
  }

  /**
   * Locks deferred messages, or takes them for good.
   * @throws ServiceBusRefusal when one is not deferred, is locked already, or belongs to another session
   */
  receiveDeferred(numbers: readonly number[], session?: SessionHold, forGood = false): Delivery[] {
    const messages = [...new Set(numbers)].map((number) => this.#messages.get(number));
    const isThere = (message: StoredMessage | undefined): boolean =>
      message?.state === 'deferred' &&
      !this.#locked.has(message.sequenceNumber) &&
      (session === undefined || message.sessionId === session.sessionId);
    if (!messages.every(isThere)) throw refusals.messageNotFound();
    return messages
      .filter((message) => message !== undefined)
      .map((message) => (forGood ? this.#take(message) : this.#lock(message, session)));
  }

  /** Messages in any state from a number on; locks nothing. */
  peek(from: number, count: number, sessionId?: string): StoredMessage[] {
    const found: StoredMessage[] = [];
    // In the order of their numbers, since each new one is higher than all before it.
    for (const message of this.#messages.values()) {
      if (message.sequenceNumber < from || (sessionId !== undefined && message.sessionId !== sessionId))
        continue;
      found.push(message);
      if (found.length >= count) break;
    }
    return found;
  }

  /** Does what time has brought: locks and sessions that ran out, scheduled messages, messages too old. */
  tick(): void {
    const now = this.#now();
    for (let id = this.#holdTimes.due(now); id !== undefined; id = this.#holdTimes.due(now)) {
      const hold = this.#holds.get(id);
      if (hold === undefined) this.#holdTimes.delete(id);
      else this.#loseSession(hold);
    }
    for (let token = this.#lockTimes.due(now); token !== undefined; token = this.#lockTimes.due(now)) {
      const message = this.#forgetLock(token);
      if (message !== undefined) this.#failed(message);
    }
    for (let number = this.#scheduled.due(now); number !== undefined; number = this.#scheduled.due(now)) {
      this.#activate(number);
      this.#scheduled.delete(number);
    }
    for (let number = this.#expiring.due(now); number !== undefined; number = this.#expiring.due(now)) {
      this.#expire(number);
      this.#expiring.delete(number);
    }
    this.onAvailable();
  }

  #loseSession(hold: SessionHold): void {
    for (const message of this.#unlockAllOf(hold)) this.#failed(message);
    this.#freeSession(hold);
    hold.lost();
  }

  #activate(number: number): void {
    const message = this.#messages.get(number);
    if (message === undefined) return;
    const content = this.#store.content(number);
    this.#store.atomically(() => {
      this.#remove(message);
      this.#sequence += 1;
      const active: StoredMessage = {
        ...message,
        sequenceNumber: this.#sequence,
        state: 'active',
        enqueuedAt: this.#now(),
        scheduledFor: null,
      };
      this.#store.insert(active, content);
      this.#place(active);
    });
  }

  #expire(number: number): void {
    const message = this.#messages.get(number);
    if (message === undefined) return;
    this.#takeFromLine(message);
    if (this.description.deadLetteringOnExpiration === true && this.deadLetters !== undefined) {
      const description = 'The message expired and was dead lettered.';
      this.#moveToDeadLetters(message, { reason: 'TTLExpiredException', description });
    } else {
      this.#remove(message);
    }
  }

  #takeFromLine({ sequenceNumber, sessionId }: StoredMessage): void {
    this.#available.delete(sequenceNumber);
    if (sessionId !== null) this.#sessions.get(sessionId)?.delete(sequenceNumber);
  }

  /** When `tick` has something to do next; Infinity: not by itself. */
  nextDue(): number {
    return Math.min(this.#holdTimes.next, this.#lockTimes.next, this.#scheduled.next, this.#expiring.next);
  }
}
