import { randomUUID } from 'node:crypto';
import { Locks } from './locks.ts';
import { DuplicateDetection } from './duplicateDetection.ts';
import {
  toNewMessage,
  type DeadLetterReason,
  type Delivery,
  type IncomingMessage,
  type ReceiveMode,
  type StoredMessage,
} from './message.ts';
import { Messages } from './messages.ts';
import { Schedule } from './schedule.ts';
import { refusals } from './serviceBusError.ts';
import { Sessions, type HeldSession } from './sessions.ts';
import type { QueueStore } from './store.ts';

export type QueueDescription = {
  name: string;
  requiresSession: boolean;
  lockDurationSeconds: number;
  maxDeliveryCount: number;
  duplicateDetectionWindowSeconds?: number;
  defaultTimeToLiveSeconds?: number;
  deadLetteringOnExpiration?: boolean;
};

export type QueueOptions = {
  now: () => number;
  /** Absent: the queue is itself a dead-letter queue. */
  deadLetters?: Queue;
  withDeadLetterReason: (bare: Uint8Array, reason: DeadLetterReason) => Uint8Array;
};

/**
 * One queue, or the dead-letter queue of one: what happens to a message from its arrival to its end. The parts hold the
 * state: `Messages`, `Locks` on them, `Sessions`, and the `Schedule` of what time changes. Callers may read the parts,
 * renew locks and accept sessions; only the queue moves messages.
 *
 * Transitions of a message: sent → scheduled or available, or dropped as a duplicate; scheduled → available at its
 * time; available → locked on delivery; locked → removed (complete), → available in its old place (abandon, lock
 * expired), → deferred, → dead-letter queue (on request, or at the last failed delivery that `maxDeliveryCount`
 * allows); available → dead-letter queue or removed when its time to live is over.
 *
 * Invariants: abandoning, an expired lock and deferring count as a delivery, a session that its holder lets go does
 * not; in a dead-letter queue the count stands still. What a call has accepted is on disk when the call returns.
 */
export class Queue {
  readonly description: QueueDescription;
  readonly deadLetters: Queue | undefined;
  readonly messages: Messages;
  readonly locks: Locks;
  readonly sessions: Sessions;
  /** Called when a message or session may have become available. */
  onAvailable: () => void = () => undefined;

  readonly #schedule = new Schedule();
  readonly #duplicates: DuplicateDetection;
  readonly #store: QueueStore;
  readonly #now: () => number;
  readonly #withDeadLetterReason: QueueOptions['withDeadLetterReason'];

  constructor(description: QueueDescription, store: QueueStore, options: QueueOptions) {
    const { now, deadLetters, withDeadLetterReason } = options;
    const lockMs = description.lockDurationSeconds * 1_000;
    this.description = description;
    this.deadLetters = deadLetters;
    this.locks = new Locks(lockMs, now);
    this.sessions = new Sessions(lockMs, store, now);
    const sessions = description.requiresSession ? this.sessions : undefined;
    this.messages = new Messages(store, this.#schedule, sessions);
    this.#duplicates = new DuplicateDetection(description.duplicateDetectionWindowSeconds ?? 0, store);
    this.#store = store;
    this.#now = now;
    this.#withDeadLetterReason = withDeadLetterReason;
  }

  /** Accepts all messages or none. Returns their numbers, 0 for a duplicate, which is accepted and dropped. */
  send(incoming: readonly IncomingMessage[]): number[] {
    if (this.description.requiresSession && incoming.some(({ sessionId }) => sessionId === null)) {
      throw refusals.noSessionId();
    }
    const now = this.#now();
    const sent = this.#store.atomically(() =>
      incoming.map((message) => {
        if (this.#duplicates.isDuplicate(message.messageId, now)) return undefined;
        const arrived = toNewMessage(message, now, this.description.defaultTimeToLiveSeconds);
        return this.messages.insert(arrived, message.content);
      }),
    );
    for (const message of sent) if (message !== undefined) this.messages.place(message);
    if (sent.some((message) => message !== undefined)) this.onAvailable();
    return sent.map((message) => message?.sequenceNumber ?? 0);
  }

  /** Removes scheduled messages before their time. @throws ServiceBusRefusal when one is not scheduled any more */
  cancelScheduled(numbers: readonly number[]): void {
    const messages = numbers.map((number) => this.messages.get(number));
    if (messages.some((message) => message?.state !== 'scheduled')) throw refusals.messageNotFound();
    this.#store.atomically(() => {
      for (const message of messages) if (message !== undefined) this.messages.remove(message.sequenceNumber);
    });
  }

  /** The next message, of a session if one is given; undefined when there is none. */
  deliver(mode: ReceiveMode, session?: HeldSession): Delivery | undefined {
    const message = this.messages.takeNext(session?.sessionId);
    return message === undefined ? undefined : this.#toDelivery(message, mode, session);
  }

  /** @throws ServiceBusRefusal when a message is not deferred, is locked already or belongs to another session */
  deliverDeferred(numbers: readonly number[], mode: ReceiveMode, session?: HeldSession): Delivery[] {
    const messages = [...new Set(numbers)].map((number) => this.messages.get(number));
    const isThere = (message: StoredMessage | undefined): message is StoredMessage =>
      message?.state === 'deferred' &&
      !this.locks.isLocked(message) &&
      (session === undefined || message.sessionId === session.sessionId);
    if (!messages.every(isThere)) throw refusals.messageNotFound();
    return messages.map((message) => this.#toDelivery(message, mode, session));
  }

  #toDelivery(message: StoredMessage, mode: ReceiveMode, session: HeldSession | undefined): Delivery {
    return mode === 'peekLock'
      ? this.locks.add(message, session)
      : { ...message, lockToken: randomUUID(), lockedUntil: this.#now() };
  }

  /** Ends a delivery of mode receiveAndDelete, once it has been written to the wire. */
  deleteDelivered(delivery: Delivery): void {
    this.messages.remove(delivery.sequenceNumber);
  }

  /** @throws ServiceBusRefusal when the lock is lost, as all that settle */
  complete(lockToken: string): void {
    this.messages.remove(this.locks.release(lockToken).sequenceNumber);
  }

  abandon(lockToken: string, bare?: Uint8Array): void {
    const message = this.locks.release(lockToken);
    if (bare !== undefined) this.messages.rewrite(message.sequenceNumber, bare);
    this.#failDelivery(message);
    this.onAvailable();
  }

  defer(lockToken: string, bare?: Uint8Array): void {
    const message = this.locks.release(lockToken);
    message.state = 'deferred';
    if (this.deadLetters !== undefined) message.deliveryCount += 1;
    this.#store.atomically(() => {
      this.messages.update(message);
      if (bare !== undefined) this.messages.rewrite(message.sequenceNumber, bare);
    });
  }

  /** @throws ServiceBusRefusal in a dead-letter queue, where the message is available again */
  deadLetter(lockToken: string, reason: DeadLetterReason, bare?: Uint8Array): void {
    const message = this.locks.release(lockToken);
    if (bare !== undefined) this.messages.rewrite(message.sequenceNumber, bare);
    if (this.deadLetters === undefined) this.#failDelivery(message);
    else this.#moveToDeadLetters(message, reason, this.deadLetters);
    this.onAvailable();
    if (this.deadLetters === undefined) throw refusals.deadLetterOfDeadLetters();
  }

  /** Puts a message back, or dead-letters it after its last delivery. */
  #failDelivery(message: StoredMessage): void {
    if (this.deadLetters === undefined) return this.messages.putBack(message);
    message.deliveryCount += 1;
    const { deliveryCount, state } = message;
    if (deliveryCount < this.description.maxDeliveryCount || state !== 'active') {
      this.messages.update(message);
      return this.messages.putBack(message);
    }
    const description = `Message could not be consumed after ${deliveryCount} delivery attempts.`;
    this.#moveToDeadLetters(message, { reason: 'MaxDeliveryCountExceeded', description }, this.deadLetters);
  }

  #moveToDeadLetters(message: StoredMessage, reason: DeadLetterReason, deadLetters: Queue): void {
    const content = this.messages.content(message.sequenceNumber);
    const bare = this.#withDeadLetterReason(content.bare, reason);
    const changes = { enqueuedAt: this.#now(), expiresAt: null };
    this.messages.moveTo(deadLetters.messages, message, changes, { ...content, ttl: null, bare });
    deadLetters.onAvailable();
  }

  /** Ends a hold on a session without a failure: unsettled messages are available again. */
  releaseSession(session: HeldSession): void {
    if (!this.sessions.isHeld(session)) return;
    for (const message of this.locks.releaseAll(session)) this.messages.putBack(message);
    this.sessions.free(session);
    this.onAvailable();
  }

  /** Does what is due: ends sessions and locks whose time is over, activates and expires messages. */
  tick(): void {
    const now = this.#now();
    for (const session of takeAll(() => this.sessions.takeExpired(now))) this.#loseSession(session);
    for (const message of takeAll(() => this.locks.takeExpired(now))) this.#failDelivery(message);
    for (const message of takeAll(() => this.#schedule.takeActivated(now))) this.#activate(message);
    for (const message of takeAll(() => this.#schedule.takeExpired(now))) this.#expire(message);
    this.onAvailable();
  }

  /** When `tick` has something to do; Infinity: not before another call. */
  nextDue(): number {
    return Math.min(this.sessions.nextDue, this.locks.nextDue, this.#schedule.nextDue);
  }

  #loseSession(session: HeldSession): void {
    for (const message of this.locks.releaseAll(session)) this.#failDelivery(message);
    this.sessions.free(session);
    session.onLost();
  }

  #activate(message: StoredMessage): void {
    const content = this.messages.content(message.sequenceNumber);
    this.messages.moveTo(this.messages, message, { enqueuedAt: this.#now() }, content);
  }

  #expire(message: StoredMessage): void {
    if (this.description.deadLetteringOnExpiration !== true || this.deadLetters === undefined)
      return this.messages.remove(message.sequenceNumber);
    const description = 'The message expired and was dead lettered.';
    this.#moveToDeadLetters(message, { reason: 'TTLExpiredException', description }, this.deadLetters);
  }
}

function* takeAll<Item>(take: () => Item | undefined): Generator<Item> {
  for (let item = take(); item !== undefined; item = take()) yield item;
}
