import { randomUUID } from 'node:crypto';
import type { Quota } from '../config/quota.ts';
import { RollcallError } from '../errors/errors.ts';
import { toStep, type Situation } from './bookingStep.ts';
import type { Departures, LimiterClock } from './departures.ts';
import type { Jitter } from './jitter.ts';
import type { Pace } from './pace.ts';
import type { Schedule } from './schedule.ts';
import type { ServiceClock } from './serviceClock.ts';
import type { KnownSchedule, SharedSchedule } from './sharedSchedule.ts';
import type { WaitingCallers } from './waitingCallers.ts';

/*
 * Books slots for the waiting callers of one instance, by replacing the shared row.
 *
 * States: idle; booking, while more callers wait than slots are booked; asleep until the next slot is near enough.
 * Transitions: `start` leaves idle; each step of `toStep` reserves slots, announces to other instances that background
 * work waits, or finds the next slot too far ahead: then the newest caller is rejected, or booking sleeps. `wake` ends
 * the sleep, because an interactive caller books further ahead. Booking is idle again when the slots suffice.
 *
 * Invariants:
 * - a step begins when the one before it has ended, on the row that it left or on a row that is read anew;
 * - slots are added to the departures only after the row with them was written;
 * - when the table does not answer, every waiting caller is rejected with the error, and no call leaves.
 */
export type BookingOptions = {
  quota: Quota;
  sharedSchedule: SharedSchedule;
  callers: WaitingCallers;
  departures: Departures;
  pace: Pace;
  jitter: Jitter;
  clock: LimiterClock;
  serviceClock: ServiceClock;
  random: () => number;
};

/** Bounds of the lead time: background work books slots that come free within it, which covers the table write. */
const shortestLeadMs = 15;
const longestLeadMs = 50;

export function createBooking(options: BookingOptions) {
  const { sharedSchedule, callers, departures, pace, clock } = options;
  const by = randomUUID();
  let isBooking = false;
  let wake: (() => void) | undefined;

  async function bookWhileNeeded(): Promise<void> {
    isBooking = true;
    try {
      while (countMissing(options) > 0) {
        const row = await sharedSchedule.load();
        const exhaustedForMs = sharedSchedule.exhaustedForMs();
        if (exhaustedForMs > 0) throw toQuotaExceeded(exhaustedForMs);
        callers.rejectImpatient();
        if (countMissing(options) > 0) await takeStep(row);
      }
    } catch (error) {
      callers.rejectAll(error);
    } finally {
      isBooking = false;
      pace.paused();
    }
  }

  async function takeStep(row: KnownSchedule): Promise<void> {
    const situation = measure(options, by, row.schedule);
    const step = toStep(options.quota, row.schedule, situation);
    pace.slotsAreApart(step.slotMs);
    if (step.kind === 'announce') {
      await sharedSchedule.replace(row, step.schedule);
    } else if (step.kind === 'reserve') {
      if (!(await sharedSchedule.replace(row, step.schedule))) return;
      pace.booked(step.slots);
      departures.add(step.slots, { latenessMs: situation.latenessMs, isOwed: step.isOwed });
    } else if (step.freeInMs > pace.longestWaitMs()) {
      callers.rejectNewest(step.priority, step.freeInMs);
    } else {
      await sleep(Math.max(1, step.sleepMs));
    }
  }

  async function sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = clock.after(ms, resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });
    wake = undefined;
  }

  return {
    start(): void {
      if (!isBooking && countMissing(options) > 0) void bookWhileNeeded();
    },
    wake: (): void => wake?.(),
  };
}

export function toQuotaExceeded(forMs: number): RollcallError {
  return new RollcallError('quota_exceeded', undefined, { retryAfterMs: forMs });
}

/** How many more callers wait than slots are booked. */
function countMissing({ callers, departures }: BookingOptions): number {
  const { owed, others } = departures.counts();
  return callers.count('interactive') + callers.count('background') - owed - others;
}

function measure(options: BookingOptions, by: string, { jitter: { ms } }: Schedule): Situation {
  const { sharedSchedule, callers, departures, pace, jitter, serviceClock, random } = options;
  const { owed, others } = departures.counts();
  const interactive = callers.count('interactive');
  const latenessMs = jitter.latenessMs();
  const usualWriteMs = sharedSchedule.usualWriteMs();
  const leadMs = Math.min(Math.max(2 * usualWriteMs, shortestLeadMs), longestLeadMs);
  return {
    by,
    now: serviceClock.now(),
    wanted: countMissing(options),
    isWaiting: {
      interactive: interactive > others,
      background: callers.count('background') > owed + Math.max(0, others - interactive),
    },
    latenessMs,
    jitterMs: jitter.spreadMs(ms) + latenessMs + 2 * serviceClock.uncertaintyMs(),
    usualWriteMs,
    // The lead time is randomised so that of several instances that wait for a slot, each wins its share.
    leadMs: leadMs * (0.5 + random() / 2),
    longestLeadMs: leadMs,
    longestWaitMs: pace.longestWaitMs(),
  };
}
