import { randomUUID } from 'node:crypto';
import { RollcallError, deferred } from '../errors/errors.ts';
import { createJitter, longestJitterMs } from './jitter.ts';
import type { Quota } from '../config/quota.ts';
import {
  backgroundWaits,
  book,
  emptySchedule,
  isHardlyHeard,
  isOwedToBackground,
  passedAtMost,
  refused,
  slotOf,
  spacedRates,
  type Schedule,
} from './schedule.ts';
import { createServiceClock } from './serviceClock.ts';

/** Interactive: somebody waits for the answer. Background: the pipeline works through what was dropped. */
export type Priority = 'interactive' | 'background';

/** A call that may leave. Tell when it was answered, and what the service says it spent on it, if it says so. */
export type Permit = { leftAt: number; answered(serviceMs?: number): void };

/** Every call to Face takes a permit from the rate limiter. */
export interface RateLimiter {
  /**
   * Resolves when one call may leave.
   * @throws RollcallError `busy` when the turn is further away than a function should sleep
   * @throws RollcallError `quota_exceeded` while the monthly volume is used up
   */
  acquire(priority: Priority): Promise<Permit>;
  /** Face refused a call for its rate: nothing leaves for so long, and then less. */
  refused(permit: Permit, retryAfterMs: number): Promise<void>;
  /** Face said that the monthly volume is used up, and renews then. */
  exhausted(renewsInMs: number): Promise<void>;
}

/** Where the schedule that all instances share is kept. */
export interface ScheduleStore {
  read(): Promise<{ schedule: Schedule; etag: string } | undefined>;
  /**
   * Writes it if nobody else has since `etag` (undefined: if there is none). Resolves with the new ETag and the time
   * of writing by the store's clock, or with undefined when somebody else was faster.
   */
  write(
    schedule: Schedule,
    etag: string | undefined,
  ): Promise<{ etag: string; writtenAt: number | undefined } | undefined>;
}

export type GateClock = {
  now(): number;
  /** Calls back after so many milliseconds, unless the function that it returns is called before. */
  after(ms: number, wake: () => void): () => void;
};

export type GateOptions = {
  quota: Quota;
  store: ScheduleStore;
  /** The longest wait at the limiter in milliseconds; two slots, if these are longer. */
  patienceMs?: number;
  clock?: GateClock;
  /** Random numbers in [0, 1). */
  random?: () => number;
};

/** `isOwed`: background work goes first in it. */
type Slot = { at: number; latenessMs: number; isOwed: boolean };
type Caller = {
  since: number;
  leave: (permit: Permit) => void;
  reject: (error: unknown) => void;
};

const systemClock: GateClock = {
  now: Date.now,
  after(ms, wake) {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  },
};

/** Background work books what comes free within this, a table's answer being waited for meanwhile. */
const shortestLeadMs = 15;
const longestLeadMs = 50;
const bookingsKept = 32;
/** An instance gives up on a row that others change all the time: what waits is told to come back. */
const conflictsAtMost = 50;
/** How much of the pace that was measured last counts. */
const paceWeight = 0.1;
/** Those in the line come back a little faster than it moves: better one asks twice than a slot stays empty. */
const returnPace = 0.8;
const longestLineMs = 6 * 3_600_000;
const interactiveFirst = ['interactive', 'background'] as const;
const backgroundFirst = ['background', 'interactive'] as const;

/**
 * The limiter of one instance, on the schedule that all share.
 *
 * Callers wait by two priorities. As long as more wait than slots are booked, the next slots are booked by replacing the
 * shared row; at the time of a slot one caller leaves, interactive ones first, but for one slot in five while background
 * work waits at any instance: that slot is free for it first. A slot that is reached too late is dropped and booked
 * anew, so that a stall or a slow table never makes two calls come close.
 *
 * Invariants: a call leaves within its slot's lateness or not at all; a background caller leaves only when no
 * interactive one waits, or when four have gone before it; nobody waits longer than the patience by the time of his
 * turn: who would is sent away with the time at which the line will have moved on.
 */
export function createRateLimiter({
  quota,
  store,
  patienceMs = 3_000,
  clock = systemClock,
  random = Math.random,
}: GateOptions): RateLimiter {
  const by = randomUUID();
  const isSpaced = spacedRates(quota).length > 0;
  const serviceClock = createServiceClock(clock.now);
  const jitter = createJitter();
  const priorities: Record<Priority, Caller[]> = { interactive: [], background: [] };
  let slots: Slot[] = [];
  let known: { schedule: Schedule; etag: string | undefined } | undefined;
  let bookingMs: number[] = [];
  let slotMs = slotOf(quota, longestJitterMs);
  /** How far apart the slots of this instance come, others having theirs in between. */
  let paceMs = slotMs;
  let lastBooked: { start: number; count: number } | undefined;
  /** Where the line of those ends that were sent away. */
  let lineEnd = 0;
  let pausedUntil = 0;
  let isBooking = false;
  let wakeBooking: (() => void) | undefined;
  let cancelDeparture: (() => void) | undefined;

  const longestWaitMs = (): number => Math.max(patienceMs, 2 * slotMs);
  const waiting = (): number => priorities.interactive.length + priorities.background.length;
  /** What nine of ten bookings take at most. */
  const usualBookingMs = (): number =>
    bookingMs.toSorted((a, b) => a - b)[Math.floor((bookingMs.length - 1) * 0.9)] ?? 0;

  function acquire(priority: Priority): Promise<Permit> {
    const exhaustedForMs = (known?.schedule.exhaustedUntil ?? 0) - serviceClock.now();
    if (exhaustedForMs > 0) return Promise.reject(quotaExceeded(exhaustedForMs));
    if (!isSpaced) return acquireUnspaced();
    const turnInMs = nextTurnInMs(priority);
    if (turnInMs > longestWaitMs()) return Promise.reject(sendAway(priority, turnInMs));
    return new Promise((leave, reject) => {
      priorities[priority].push({ since: clock.now(), leave, reject });
      if (priority === 'interactive') wakeBooking?.();
      startBooking();
    });
  }

  /** How far away the turn of one more caller is. */
  function nextTurnInMs(priority: Priority): number {
    const { interactive, background } = priorities;
    if (priority === 'background')
      return Math.min(waiting(), background.length * (passedAtMost + 1)) * paceMs;
    const before = background.length === 0 ? 0 : Math.ceil(interactive.length / passedAtMost);
    return (interactive.length + before) * slotMs;
  }

  /** Without a rate to keep, calls wait only when Face has refused one all the same. */
  function acquireUnspaced(): Promise<Permit> {
    const now = clock.now();
    if (pausedUntil > now) return Promise.reject(deferred(pausedUntil - now));
    return Promise.resolve({ leftAt: now, answered: () => undefined });
  }

  /** Those of the background come back one after the other, at the pace at which the line moves. */
  function sendAway(priority: Priority, turnInMs: number): RollcallError {
    if (priority === 'interactive') return deferred(turnInMs);
    const now = clock.now();
    lineEnd = Math.min(Math.max(lineEnd + returnPace * paceMs, now + turnInMs), now + longestLineMs);
    return deferred(lineEnd - now);
  }

  function startBooking(): void {
    if (isBooking) return;
    isBooking = true;
    bookWhileNeeded()
      .catch((error: unknown) => {
        // The table does not answer: nothing may leave, and everybody hears why.
        for (const caller of takeAll()) caller.reject(error);
      })
      .finally(() => {
        isBooking = false;
        lastBooked = undefined;
      });
  }

  function takeAll(): Caller[] {
    const all = [...priorities.interactive, ...priorities.background];
    priorities.interactive = [];
    priorities.background = [];
    return all;
  }

  async function bookWhileNeeded(): Promise<void> {
    while (waiting() > slots.length) {
      known ??= await readSchedule();
      const exhaustedForMs = (known.schedule.exhaustedUntil ?? 0) - serviceClock.now();
      if (exhaustedForMs > 0) {
        for (const caller of takeAll()) caller.reject(quotaExceeded(exhaustedForMs));
        return;
      }
      releaseTheImpatient();
      if (waiting() > slots.length) await bookOrWait(known);
    }
  }

  /** The pace was another when they came: they have waited long enough. */
  function releaseTheImpatient(): void {
    const oldest = priorities.background[0];
    if (oldest === undefined || clock.now() - oldest.since <= 2 * Math.max(longestWaitMs(), paceMs)) return;
    priorities.background.shift();
    oldest.reject(sendAway('background', longestWaitMs()));
  }

  async function bookOrWait({ schedule: stored, etag }: { schedule: Schedule; etag: string | undefined }) {
    const now = serviceClock.now();
    const isContended = isWaiting('interactive') && isWaiting('background') && isHardlyHeard(stored, now);
    const schedule = isContended ? backgroundWaits(stored, now) : stored;
    const priority = priorityToBookFor(schedule, now);
    const latenessMs = jitter.latenessMs();
    // Not always the same: of several instances that wait for a slot, each should win its share.
    const leadMs = longestLead() * (0.5 + random() / 2);
    const horizonMs = priority === 'interactive' ? interactiveHorizonMs(schedule, now) : leadMs;
    const booked = book(quota, schedule, {
      priority,
      wanted: waiting() - slots.length,
      now,
      by,
      jitterMs: jitter.spreadMs(schedule.jitter.ms) + latenessMs + 2 * serviceClock.uncertaintyMs(),
      earliest: now + usualBookingMs(),
      horizonMs,
    });
    slotMs = booked.slotMs;
    if (booked.kind === 'booked') {
      const isOwed = priority === 'background' && isOwedToBackground(schedule, now);
      known = await reserve(booked.schedule, etag, isOwed, booked.slots, latenessMs);
      return;
    }
    if (priority === 'background' && isHardlyHeard(schedule, now)) {
      const told = backgroundWaits(schedule, now);
      const written = await write(told, etag);
      known = written && { schedule: told, etag: written.etag };
      return;
    }
    const waitMs = booked.free - now - Math.min(horizonMs, longestLead());
    if (booked.free - now > longestWaitMs()) {
      // The newest goes: whoever came before him is nearer to his turn.
      const newest = priorities[priority].pop();
      newest?.reject(sendAway(priority, booked.free - now));
      return;
    }
    await new Promise<void>((resolve) => {
      const cancel = clock.after(Math.max(1, waitMs), resolve);
      wakeBooking = () => {
        cancel();
        resolve();
      };
    });
    wakeBooking = undefined;
  }

  /** Whose turn it is among those who wait here. */
  function priorityToBookFor(schedule: Schedule, now: number): Priority {
    if (!isWaiting('interactive')) return 'background';
    return isWaiting('background') && isOwedToBackground(schedule, now) ? 'background' : 'interactive';
  }

  /** Whether more wait at this priority than will find a slot among those that are booked. */
  function isWaiting(priority: Priority): boolean {
    const owed = slots.filter(({ isOwed }) => isOwed).length;
    const others = slots.length - owed;
    if (priority === 'interactive') return priorities.interactive.length > others;
    return priorities.background.length > owed + Math.max(0, others - priorities.interactive.length);
  }

  /**
   * How far ahead interactive calls book: over all their patience. A slot that is owed to background work, here or at
   * another instance, they take only when it comes near: what the background does not take is not lost.
   */
  function interactiveHorizonMs(schedule: Schedule, now: number): number {
    return isOwedToBackground(schedule, now) ? longestLead() / 4 : longestWaitMs();
  }

  function longestLead(): number {
    return Math.min(Math.max(2 * usualBookingMs(), shortestLeadMs), longestLeadMs);
  }

  /** Takes the slots if nobody else changed the row; otherwise it has to be read anew. */
  async function reserve(
    schedule: Schedule,
    etag: string | undefined,
    isOwed: boolean,
    starts: readonly number[],
    latenessMs: number,
  ): Promise<{ schedule: Schedule; etag: string } | undefined> {
    const written = await write(schedule, etag);
    if (written === undefined) return undefined;
    const start = starts[0] ?? 0;
    if (lastBooked !== undefined) {
      const pace = Math.max((start - lastBooked.start) / lastBooked.count, slotMs);
      paceMs += paceWeight * (pace - paceMs);
    }
    lastBooked = { start, count: starts.length };
    slots.push(...starts.map((at) => ({ at, latenessMs, isOwed })));
    departAtNextSlot();
    return { schedule, etag: written.etag };
  }

  async function readSchedule(): Promise<{ schedule: Schedule; etag: string | undefined }> {
    return (await store.read()) ?? { schedule: emptySchedule(longestJitterMs), etag: undefined };
  }

  async function write(schedule: Schedule, etag: string | undefined) {
    const askedAt = clock.now();
    const written = await store.write(schedule, etag);
    const answeredAt = clock.now();
    if (written?.writtenAt !== undefined) serviceClock.observe(askedAt, answeredAt, written.writtenAt);
    bookingMs = [...bookingMs.slice(1 - bookingsKept), answeredAt - askedAt];
    return written;
  }

  function departAtNextSlot(): void {
    if (cancelDeparture !== undefined) return;
    const [next] = slots;
    if (next === undefined) return;
    cancelDeparture = clock.after(Math.max(0, next.at - serviceClock.now()), () => {
      cancelDeparture = undefined;
      depart();
    });
  }

  function depart(): void {
    // A stall makes many slots late, and is one.
    jitter.left(serviceClock.now() - (slots[0]?.at ?? serviceClock.now()));
    for (let next = slots[0]; next !== undefined; next = slots[0]) {
      const lateMs = serviceClock.now() - next.at;
      if (lateMs < 0) break;
      slots.shift();
      if (lateMs > next.latenessMs) continue;
      const [first, second] = next.isOwed ? backgroundFirst : interactiveFirst;
      const caller = priorities[first].shift() ?? priorities[second].shift();
      caller?.leave(permit());
    }
    departAtNextSlot();
    if (waiting() > slots.length) startBooking();
  }

  function permit(): Permit {
    const leftAt = clock.now();
    return {
      leftAt: serviceClock.now(),
      answered(serviceMs) {
        if (serviceMs !== undefined) jitter.travelled(Math.max(0, clock.now() - leftAt - serviceMs));
      },
    };
  }

  /** Changes the row, whatever others do to it. */
  async function change(transition: (schedule: Schedule) => Schedule): Promise<void> {
    for (let tries = 0; tries < conflictsAtMost; tries += 1) {
      const { schedule, etag } = await readSchedule();
      const next = transition(schedule);
      const written = await write(next, etag);
      if (written !== undefined) {
        known = { schedule: next, etag: written.etag };
        return;
      }
    }
    throw new RollcallError('conflict', 'The schedule of calls to Face is changed all the time.');
  }

  return {
    acquire,
    async refused({ leftAt }, retryAfterMs) {
      pausedUntil = clock.now() + retryAfterMs;
      if (!isSpaced) return;
      slots = [];
      await change((schedule) => refused(schedule, { leftAt, retryAfterMs, now: serviceClock.now() }));
    },
    exhausted: (renewsInMs) =>
      change((schedule) => ({ ...schedule, exhaustedUntil: serviceClock.now() + renewsInMs })),
  };
}

function quotaExceeded(forMs: number): RollcallError {
  return new RollcallError('quota_exceeded', undefined, { retryAfterMs: forMs });
}
