import type { MessageContent, StoredMessage } from './message.ts';
import type { Schedule } from './schedule.ts';
import type { Sessions } from './sessions.ts';
import { SortedNumbers } from './sortedNumbers.ts';
import type { QueueStore } from './store.ts';

/**
 * The messages of one queue, in memory and on disk.
 *
 * States: scheduled; active, which is available or taken; deferred. A taken message is locked, or on its way to a
 * receiver that deletes.
 * Transitions: new → scheduled or available (`insert`, then `place`); scheduled → available under a new number
 * (`moveTo`); available → taken (`takeNext`); taken → available in its old place (`putBack`) or deferred (`update`);
 * any → removed (`remove`).
 *
 * Invariants: a message on disk is in exactly one of these states, and what a call has written is on disk when the call
 * returns; which messages are taken is in memory only, so that after a restart all active ones are available. Available
 * messages are taken in the order of their numbers, within their session where the queue has sessions. Numbers rise and
 * none is given twice, also after a restart. Only scheduled and available messages have times in the schedule.
 */
export class Messages {
  readonly #store: QueueStore;
  readonly #schedule: Schedule;
  /** undefined: the queue has no sessions, even if messages name some. */
  readonly #sessions: Sessions | undefined;
  readonly #byNumber = new Map<number, StoredMessage>();
  /** Numbers of available messages outside of sessions. */
  readonly #available = new SortedNumbers();
  #lastNumber: number;

  constructor(store: QueueStore, schedule: Schedule, sessions: Sessions | undefined) {
    this.#store = store;
    this.#schedule = schedule;
    this.#sessions = sessions;
    this.#lastNumber = store.lastSequence();
    for (const message of store.load()) this.place(message);
  }

  /** Writes a message to disk under the next number. `place` has to follow, once the transaction is complete. */
  insert(message: Omit<StoredMessage, 'sequenceNumber'>, content: MessageContent): StoredMessage {
    this.#lastNumber += 1;
    const numbered = { ...message, sequenceNumber: this.#lastNumber };
    this.#store.insert(numbered, content);
    return numbered;
  }

  /** Makes a message of the disk known: from now on it is scheduled, available or deferred. */
  place(message: StoredMessage): void {
    this.#byNumber.set(message.sequenceNumber, message);
    this.putBack(message);
  }

  get(sequenceNumber: number): StoredMessage | undefined {
    return this.#byNumber.get(sequenceNumber);
  }

  content(sequenceNumber: number): MessageContent {
    return this.#store.content(sequenceNumber);
  }

  /** Takes the first available message, of a session if one is given; undefined when there is none. */
  takeNext(sessionId: string | undefined): StoredMessage | undefined {
    const number = sessionId === undefined ? this.#available.take() : this.#sessions?.take(sessionId);
    const message = number === undefined ? undefined : this.#byNumber.get(number);
    if (message !== undefined) this.#schedule.cancel(message);
    return message;
  }

  /** Makes a taken message available again. A deferred message stays deferred. */
  putBack(message: StoredMessage): void {
    const { sequenceNumber, sessionId, state } = message;
    this.#schedule.add(message);
    if (state !== 'active') return;
    if (this.#sessions === undefined || sessionId === null) this.#available.add(sequenceNumber);
    else this.#sessions.add(sessionId, sequenceNumber);
  }

  /** Writes the state and the delivery count of a message. */
  update(message: StoredMessage): void {
    this.#store.update(message);
  }

  rewrite(sequenceNumber: number, bare: Uint8Array): void {
    this.#store.rewrite(sequenceNumber, bare);
  }

  /** Moves a message to the end of a queue, this one or another, as an active message under a new number. */
  moveTo(
    target: Messages,
    message: StoredMessage,
    changes: Partial<StoredMessage>,
    content: MessageContent,
  ): void {
    const moved = this.#store.atomically(() => {
      this.remove(message.sequenceNumber);
      return target.insert({ ...message, state: 'active', scheduledFor: null, ...changes }, content);
    });
    target.place(moved);
  }

  remove(sequenceNumber: number): void {
    const message = this.#byNumber.get(sequenceNumber);
    if (message === undefined) return;
    this.#store.remove(sequenceNumber);
    this.#byNumber.delete(sequenceNumber);
    this.#schedule.cancel(message);
    this.#available.delete(sequenceNumber);
    if (message.sessionId !== null) this.#sessions?.delete(message.sessionId, sequenceNumber);
  }

  /** The first `count` messages from a number on, in any state and in the order of their numbers. */
  peek(from: number, count: number, sessionId?: string): StoredMessage[] {
    const found: StoredMessage[] = [];
    // The map is in the order of the numbers, because each new number is higher than all before it.
    for (const message of this.#byNumber.values()) {
      if (message.sequenceNumber < from) continue;
      if (sessionId !== undefined && message.sessionId !== sessionId) continue;
      found.push(message);
      if (found.length >= count) break;
    }
    return found;
  }
}
