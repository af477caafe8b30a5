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

/** Interactive: a person or program waits for the answer. Background: the pipeline processes uploaded images. */
export type Priority = 'interactive' | 'background';

/**
 * Permission for one call to leave. The holder calls `answered` when Face has answered, with the milliseconds that Face
 * reports for the call, if Face reports them.
 */
export type Permit = { leftAt: number; answered(serviceMs?: number): void };

/** Every call to Face takes a permit from the rate limiter. */
export interface RateLimiter {
  /**
   * Resolves when one call may leave.
   * @throws RollcallError `busy` when the call would wait longer than a function should sleep
   * @throws RollcallError `quota_exceeded` while the monthly volume is used up
   */
  acquire(priority: Priority): Promise<Permit>;
  /** Face refused a call for its rate: no call leaves for `retryAfterMs`, and then fewer leave than before. */
  refused(permit: Permit, retryAfterMs: number): Promise<void>;
  /** Face said that the monthly volume is used up and renews in `renewsInMs` milliseconds. */
  exhausted(renewsInMs: number): Promise<void>;
}

/** Storage of the schedule that all instances share. */
export interface ScheduleStore {
  read(): Promise<{ schedule: Schedule; etag: string } | undefined>;
  /**
   * Writes the schedule if it has not changed since `etag` (undefined: if no schedule exists). Resolves with the new
   * ETag and the time of the write by the store's clock, or with undefined when another instance has written first.
   */
  write(
    schedule: Schedule,
    etag: string | undefined,
  ): Promise<{ etag: string; writtenAt: number | undefined } | undefined>;
}

export type GateClock = {
  now(): number;
  /** Calls `wake` after `ms` milliseconds. The returned function cancels the call. */
  after(ms: number, wake: () => void): () => void;
};

export type GateOptions = {
  quota: Quota;
  store: ScheduleStore;
  /** The longest wait at the limiter in milliseconds; two slots, if two slots are longer. */
  patienceMs?: number;
  clock?: GateClock;
  /** Random numbers in [0, 1). */
  random?: () => number;
};

/** `isOwed`: in this slot a background caller leaves first. */
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

/** Bounds of the lead time: background work books slots that come free within it, which covers the table write. */
const shortestLeadMs = 15;
const longestLeadMs = 50;
const bookingsKept = 32;
/** How often a change of the shared row is tried before it fails with `conflict` because others keep changing it. */
const conflictsAtMost = 50;
/** Weight of the latest measured pace in the moving average. */
const paceWeight = 0.1;
/**
 * Rejected background callers are told to retry slightly faster than slots become free: a second retry costs less than
 * an empty slot.
 */
const returnPace = 0.8;
const longestLineMs = 6 * 3_600_000;
const interactiveFirst = ['interactive', 'background'] as const;
const backgroundFirst = ['background', 'interactive'] as const;

/**
 * The rate limiter of one instance, on the schedule that all instances share.
 *
 * Callers wait at one of two priorities. As long as more callers wait than slots are booked, the next slots are booked
 * by replacing the shared row. At the time of a slot one caller leaves, interactive callers first. While background
 * work waits at any instance, one slot in five is offered to background callers first. A slot that is reached too late
 * is dropped and another one is booked, so that a stall or a slow table never sends two calls close together.
 *
 * Invariants:
 * - a call leaves within the allowed lateness of its slot or not at all;
 * - a background caller leaves only when no interactive caller waits, or after four interactive callers have left;
 * - a caller whose wait would exceed `patienceMs` (or two slots) is rejected with the time to retry.
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
  /** Average distance between the slots of this instance, with the slots of other instances in between. */
  let paceMs = slotMs;
  let lastBooked: { start: number; count: number } | undefined;
  /** The latest retry time that was given to a rejected background caller. */
  let lineEnd = 0;
  let pausedUntil = 0;
  let isBooking = false;
  let wakeBooking: (() => void) | undefined;
  let cancelDeparture: (() => void) | undefined;

  const longestWaitMs = (): number => Math.max(patienceMs, 2 * slotMs);
  const waiting = (): number => priorities.interactive.length + priorities.background.length;
  /** The 90th percentile of the duration of bookings, in milliseconds. */
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

  /** Estimated wait of one more caller at this priority, in milliseconds. */
  function nextTurnInMs(priority: Priority): number {
    const { interactive, background } = priorities;
    if (priority === 'background')
      return Math.min(waiting(), background.length * (passedAtMost + 1)) * paceMs;
    const before = background.length === 0 ? 0 : Math.ceil(interactive.length / passedAtMost);
    return (interactive.length + before) * slotMs;
  }

  /** Without a rate to keep, a call is rejected only while Face's last refusal asks for a pause. */
  function acquireUnspaced(): Promise<Permit> {
    const now = clock.now();
    if (pausedUntil > now) return Promise.reject(deferred(pausedUntil - now));
    return Promise.resolve({ leftAt: now, answered: () => undefined });
  }

  /** Spreads the retries of rejected background callers at about the pace at which slots become free. */
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
        // The table does not answer: no call may leave, and every waiting caller is rejected with the error.
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

  /** Rejects the oldest background caller when slots have become rarer since it arrived and its wait is too long. */
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
    // The lead time is randomised so that of several instances that wait for a slot, each wins its share.
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
      // The newest caller is rejected, because older callers are nearer to their slots.
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

  /** The priority for which this instance books next, given its waiting callers. */
  function priorityToBookFor(schedule: Schedule, now: number): Priority {
    if (!isWaiting('interactive')) return 'background';
    return isWaiting('background') && isOwedToBackground(schedule, now) ? 'background' : 'interactive';
  }

  /** Whether more callers wait at this priority than the booked slots will serve. */
  function isWaiting(priority: Priority): boolean {
    const owed = slots.filter(({ isOwed }) => isOwed).length;
    const others = slots.length - owed;
    if (priority === 'interactive') return priorities.interactive.length > others;
    return priorities.background.length > owed + Math.max(0, others - priorities.interactive.length);
  }

  /**
   * How far ahead interactive calls book: up to their longest wait. A slot that is owed to background work, at this or
   * another instance, is booked for an interactive call only shortly before its time, so that a slot unused by
   * background work is not lost.
   */
  function interactiveHorizonMs(schedule: Schedule, now: number): number {
    return isOwedToBackground(schedule, now) ? longestLead() / 4 : longestWaitMs();
  }

  function longestLead(): number {
    return Math.min(Math.max(2 * usualBookingMs(), shortestLeadMs), longestLeadMs);
  }

  /** Books the slots if the row is unchanged. Resolves with undefined otherwise: the row has to be read again. */
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
    // One stall makes many slots late but counts as one late departure.
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

  /** Changes the row, and repeats the change on the latest row when another instance has written in between. */
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
