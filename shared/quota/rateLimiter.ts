import type { Quota } from '../config/quota.ts';
import { deferred } from '../errors/errors.ts';
import { createBooking, toQuotaExceeded } from './booking.ts';
import { createDepartures, type LimiterClock, type Permit } from './departures.ts';
import { createJitter, longestJitterMs } from './jitter.ts';
import { createPace } from './pace.ts';
import { refused, toSlotMs, spacedRates, type Priority } from './schedule.ts';
import { createServiceClock } from './serviceClock.ts';
import { createSharedSchedule, type ScheduleStore } from './sharedSchedule.ts';
import { createWaitingCallers } from './waitingCallers.ts';

export type { LimiterClock, Permit, Priority, ScheduleStore };

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

export type RateLimiterOptions = {
  quota: Quota;
  store: ScheduleStore;
  /** The longest wait at the limiter in milliseconds; two slots, if two slots are longer. */
  patienceMs?: number;
  clock?: LimiterClock;
  /** Random numbers in [0, 1). */
  random?: () => number;
};

const systemClock: LimiterClock = {
  now: Date.now,
  after(ms, wake) {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * The rate limiter of one instance, on the schedule that all instances share.
 *
 * Callers wait at one of two priorities (`waitingCallers.ts`). As long as more callers wait than slots are booked, the
 * next slots are booked by replacing the shared row (`booking.ts`). At the time of a slot one caller leaves, interactive
 * callers first (`departures.ts`). While background work waits at any instance, one slot in five is offered to
 * background callers first. After a refusal by Face, the booked slots are dropped, and others are booked after the pause.
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
}: RateLimiterOptions): RateLimiter {
  const isSpaced = spacedRates(quota).length > 0;
  const serviceClock = createServiceClock(clock.now);
  const sharedSchedule = createSharedSchedule(store, clock, serviceClock);
  const pace = createPace(toSlotMs(quota, longestJitterMs), patienceMs);
  const jitter = createJitter();
  const callers = createWaitingCallers(clock.now, pace);
  const departures = createDepartures({
    ...{ clock, serviceClock, jitter, leave: callers.leave },
    onDeparted: () => booking.start(),
  });
  const booking = createBooking({
    ...{ quota, sharedSchedule, callers, departures, pace, jitter, clock, serviceClock, random },
  });
  let pausedUntil = 0;

  /** Without a rate to keep, a call is rejected only while Face's last refusal asks for a pause. */
  function acquireUnspaced(): Promise<Permit> {
    const now = clock.now();
    if (pausedUntil > now) return Promise.reject(deferred(pausedUntil - now));
    return Promise.resolve({ leftAt: now, answered: () => undefined });
  }

  return {
    acquire(priority) {
      const exhaustedForMs = sharedSchedule.exhaustedForMs();
      if (exhaustedForMs > 0) return Promise.reject(toQuotaExceeded(exhaustedForMs));
      if (!isSpaced) return acquireUnspaced();
      const permit = callers.wait(priority);
      if (priority === 'interactive') booking.wake();
      booking.start();
      return permit;
    },
    async refused({ leftAt }, retryAfterMs) {
      pausedUntil = clock.now() + retryAfterMs;
      if (!isSpaced) return;
      departures.dropAll();
      await sharedSchedule.change((schedule) =>
        refused(schedule, { leftAt, retryAfterMs, now: serviceClock.now() }),
      );
    },
    exhausted: (renewsInMs) =>
      sharedSchedule.change((schedule) => ({
        ...schedule,
        exhaustedUntil: serviceClock.now() + renewsInMs,
      })),
  };
}
