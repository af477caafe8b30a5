import { expect } from 'vitest';
import type { Delivery } from '../../../emulators/service-bus/message.ts';
import { Queue } from '../../../emulators/service-bus/queue.ts';
import type { HeldSession } from '../../../emulators/service-bus/sessions.ts';
import { MessageStore } from '../../../emulators/service-bus/store.ts';

export const lockMs = 10_000;
const maxDeliveryCount = 2;

export type Modelled = {
  id: string;
  session: string;
  place: 'scheduled' | 'available' | 'locked' | 'deferred' | 'dead' | 'removed';
  /** A deferred message stays deferred, also while it is locked. */
  isDeferred: boolean;
  number: number;
  count: number;
  activeAt: number;
  expiresAt: number;
  lock?: { delivery: Delivery; until: number; session: HeldSession | undefined } | undefined;
};

/** A queue beside a model of where each of its messages has to be. */
export class World {
  now = 0;
  readonly hasSessions: boolean;
  readonly store = new MessageStore(':memory:');
  queue: Queue;
  deadLetters: Queue;
  readonly messages: Modelled[] = [];
  readonly held: HeldSession[] = [];
  lost: string[] = [];

  constructor(hasSessions: boolean) {
    this.hasSessions = hasSessions;
    [this.queue, this.deadLetters] = this.open();
  }

  open(): [Queue, Queue] {
    const description = { requiresSession: this.hasSessions, lockDurationSeconds: lockMs / 1_000 };
    const options = { now: () => this.now, withDeadLetterReason: (bare: Uint8Array) => bare };
    const deadLetters = new Queue(
      { ...description, name: 'dead', requiresSession: false, maxDeliveryCount: Infinity },
      this.store.queue('dead'),
      options,
    );
    const queue = new Queue({ ...description, name: 'queue', maxDeliveryCount }, this.store.queue('queue'), {
      ...options,
      deadLetters,
    });
    return [queue, deadLetters];
  }

  fail(message: Modelled): void {
    message.lock = undefined;
    message.count += 1;
    message.place = message.isDeferred
      ? 'deferred'
      : message.count >= maxDeliveryCount
        ? 'dead'
        : 'available';
  }

  free(session: HeldSession, isLost: boolean): void {
    this.held.splice(this.held.indexOf(session), 1);
    for (const message of this.messages.filter(({ lock }) => lock?.session === session)) {
      if (isLost) this.fail(message);
      else message.place = message.isDeferred ? 'deferred' : 'available';
      message.lock = undefined;
    }
  }

  /** The clock of the broker ticks at each due time, so that the model may do the same. */
  wait(ms: number): void {
    const end = this.now + ms;
    for (let due = this.queue.nextDue(); due <= end; due = this.queue.nextDue()) {
      this.now = Math.max(this.now, due);
      const losing = this.held.filter(({ lockedUntil }) => lockedUntil <= this.now);
      this.lost = [];
      this.queue.tick();
      expect(this.lost.toSorted()).toEqual(losing.map(({ sessionId }) => sessionId).toSorted());
      for (const session of losing) this.free(session, true);
      for (const message of this.messages) this.pass(message);
    }
    this.now = end;
  }

  pass(message: Modelled): void {
    const { lock } = message;
    if (lock !== undefined && lock.session === undefined && lock.until <= this.now) this.fail(message);
    if (message.place === 'scheduled' && message.activeAt <= this.now) {
      message.place = 'available';
      message.number = this.queue.messages.peek(0, Infinity).find(({ messageId }) => messageId === message.id)
        ?.sequenceNumber as number;
    }
    if (message.place === 'available' && message.expiresAt <= this.now) message.place = 'removed';
  }

  check(): void {
    const shown = (queue: Queue): string[] =>
      queue.messages
        .peek(0, Infinity)
        .map(({ messageId, state, deliveryCount }) => `${messageId} ${state} ${deliveryCount}`);
    const states = { scheduled: 'scheduled', available: 'active', locked: 'active', deferred: 'deferred' };
    const wanted = this.messages.flatMap(({ id, place, isDeferred, count }) => {
      if (place === 'dead' || place === 'removed') return [];
      return [`${id} ${isDeferred ? 'deferred' : states[place]} ${count}`];
    });
    expect(shown(this.queue).toSorted()).toEqual(wanted.toSorted());
    const dead = this.messages.filter(({ place }) => place === 'dead');
    expect(shown(this.deadLetters).toSorted()).toEqual(
      dead.map(({ id, count }) => `${id} active ${count}`).toSorted(),
    );
  }
}
