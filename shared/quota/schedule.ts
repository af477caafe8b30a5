import type { Quota } from '../config/quota.ts';

/** Interactive: a person or program waits for the answer. Background: the pipeline processes uploaded images. */
export type Priority = 'interactive' | 'background';

/*
 * The schedule of calls to one Face resource, which all instances share, as pure transitions of one row.
 *
 * A call leaves in a slot. Slots are W/N · (1 + J/W) apart for N calls in W milliseconds, J being the range within
 * which calls arrive around their slots. Of any N + 1 arrivals, the last then comes at least W after the first, so
 * every call is accepted by a limiter with a sliding window, with fixed windows or with a token bucket. Slots are
 * further apart while other programs use the same resource (see `toShare`).
 *
 * Invariants:
 * - `nextFree` never decreases;
 * - a slot belongs to one instance;
 * - background work books only slots that come free within its lead time, so that the schedule beyond the lead time is
 *   free for interactive calls;
 * - while background work waits, interactive calls leave one slot in five to background work.
 */
export type Schedule = {
  /** The first slot that no instance has booked. All times here are milliseconds since 1970, by the table service. */
  nextFree: number;
  /** The widest jitter that any instance has measured recently: its size, the instance and the time of the report. */
  jitter: { ms: number; by: string; at: number };
  /** Face refused calls although the quota was kept: another program uses the same resource. */
  throttled?: Throttled;
  /** Until this time the monthly volume is used up. */
  exhaustedUntil?: number;
  /**
   * Background work counts as waiting until `waitsUntil` unless an instance renews it. `passed`: how many interactive
   * slots were booked ahead of it meanwhile.
   */
  background?: { waitsUntil: number; passed: number };
};

type Throttled = {
  /** A refused call that left no later than this does not reduce the share again. */
  cutAt: number;
  /** Shares of the quota: `from` is used right after the cut, `safe` is the share climbed to before holding. */
  from: number;
  safe: number;
  /** How long the share stays at `safe` before it rises further, in milliseconds. */
  holdMs: number;
};

export type Booking = {
  priority: Priority;
  wanted: number;
  now: number;
  jitterMs: number;
  by: string;
  /** The first booked slot is not before this time. */
  earliest: number;
  /** A next free slot that is further ahead of `now` than this is not booked. */
  horizonMs: number;
};

export type Booked =
  | { kind: 'booked'; schedule: Schedule; slots: number[]; slotMs: number }
  | { kind: 'later'; free: number; slotMs: number };

/** Rates with longer windows do not space calls: a monthly volume is counted by Face. */
const longestSpacedWindowMs = 3_600_000;
/** How long a reported jitter counts after the reporting instance last renewed it. */
const jitterHeardMs = 60_000;
/** Slots booked in one write lie within this time; at least one slot is booked. */
const blockMs = 25;
const smallestShare = 1 / 64;
const climbMs = 20_000;
const firstHoldMs = 60_000;
const longestHoldMs = 3_600_000;
/** Above the safe share, the share rises by a tenth of the quota in this time. */
const tenthMs = 30_000;

/** How many interactive calls go ahead of one background call while background work waits. */
export const passedAtMost = 4;
/** How long background work counts as waiting without renewal; a rejected call should have retried within this time. */
const backgroundHeardMs = 10_000;

function waitsInBackground({ background }: Schedule, now: number): boolean {
  return background !== undefined && background.waitsUntil > now;
}

/** Whether the next slot is reserved for background work, provided that background work books it in time. */
export function isOwedToBackground(schedule: Schedule, now: number): boolean {
  return waitsInBackground(schedule, now) && (schedule.background?.passed ?? 0) >= passedAtMost;
}

/** Records that background work waits, so that interactive calls of all instances leave slots to it. */
export function backgroundWaits(schedule: Schedule, now: number): Schedule {
  const passed = waitsInBackground(schedule, now) ? (schedule.background?.passed ?? 0) : 0;
  return { ...schedule, background: { waitsUntil: now + backgroundHeardMs, passed } };
}

/** Whether the record that background work waits is missing, or expires soon and has to be renewed. */
export function isHardlyHeard({ background }: Schedule, now: number): boolean {
  return (background?.waitsUntil ?? 0) < now + backgroundHeardMs / 2;
}

/** Adds booked slots to the count of passed interactive calls, as long as background work waits. */
function counted(schedule: Schedule, { priority, now }: Booking, count: number): Schedule {
  const { background, ...rest } = schedule;
  if (background === undefined || !waitsInBackground(schedule, now)) return rest;
  const passed =
    priority === 'interactive'
      ? background.passed + count
      : Math.max(0, background.passed - passedAtMost * count);
  return { ...rest, background: { ...background, passed } };
}

export function emptySchedule(jitterMs: number): Schedule {
  return { nextFree: 0, jitter: { ms: jitterMs, by: '', at: 0 } };
}

export function spacedRates(quota: Quota): Quota {
  return quota.filter(({ windowMs }) => windowMs <= longestSpacedWindowMs);
}

/** Milliseconds from one slot to the next; 0 when the quota sets no rate. */
export function toSlotMs(quota: Quota, jitterMs: number, share = 1): number {
  return (
    Math.max(0, ...spacedRates(quota).map(({ calls, windowMs }) => (windowMs + jitterMs) / calls)) / share
  );
}

/** The share of the quota in use at `now`: 1, or less after refusals. */
export function toShare({ throttled }: Schedule, now: number): number {
  if (throttled === undefined) return 1;
  const { cutAt, from, safe, holdMs } = throttled;
  const sinceCut = Math.max(0, now - cutAt);
  if (sinceCut < climbMs) return from + (safe - from) * (sinceCut / climbMs);
  return Math.min(1, safe + (Math.max(0, sinceCut - climbMs - holdMs) / tenthMs) * 0.1);
}

/** Books the next slots, or returns the time from which the next slot is free. */
export function book(quota: Quota, schedule: Schedule, booking: Booking): Booked {
  const { now, by, jitterMs, earliest, horizonMs } = booking;
  const heard = schedule.jitter;
  const isMine = jitterMs >= heard.ms || heard.by === by || now - heard.at > jitterHeardMs;
  const jitter = isMine ? { ms: jitterMs, by, at: now } : heard;
  const share = toShare(schedule, now);
  const slotMs = toSlotMs(quota, jitter.ms, share);
  if (schedule.nextFree - now > horizonMs) return { kind: 'later', free: schedule.nextFree, slotMs };
  const first = Math.max(schedule.nextFree, earliest);
  const count = Math.max(1, Math.min(booking.wanted, Math.floor(blockMs / slotMs)));
  const slots = Array.from({ length: count }, (_, index) => first + index * slotMs);
  const { throttled, ...rest } = counted(schedule, booking, count);
  const isThrottled = throttled !== undefined && share < 1;
  return {
    kind: 'booked',
    slots,
    slotMs,
    schedule: {
      ...rest,
      ...(isThrottled && { throttled }),
      nextFree: first + count * slotMs,
      jitter,
    },
  };
}

/** Face refused a call that left at `leftAt`: no call leaves for `retryAfterMs`, and then fewer leave than before. */
export function refused(
  schedule: Schedule,
  { leftAt, retryAfterMs, now }: { leftAt: number; retryAfterMs: number; now: number },
): Schedule {
  const paused = { ...schedule, nextFree: Math.max(schedule.nextFree, now + retryAfterMs) };
  const { throttled } = schedule;
  if (throttled !== undefined && leftAt <= throttled.cutAt) return paused;
  const share = toShare(schedule, now);
  const triedForMore = throttled !== undefined && share > throttled.safe;
  return {
    ...paused,
    throttled: {
      cutAt: now + retryAfterMs,
      from: Math.max(share / 2, smallestShare),
      safe: Math.max(share * 0.75, smallestShare),
      holdMs: triedForMore ? Math.min(throttled.holdMs * 2, longestHoldMs) : firstHoldMs,
    },
  };
}
