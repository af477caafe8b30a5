import type { Quota } from '../config/quota.ts';

/*
 * The schedule of calls to a Face resource, which all instances share, as pure transitions of one row.
 *
 * A call leaves in a slot. Slots follow each other at W/N · (1 + J/W) for N calls in W milliseconds, J being the
 * range within which calls arrive around their slots: of any N + 1 arrivals, the last comes at least W after the
 * first, so that a limiter that slides, counts in fixed windows or drips accepts every one. The slot is longer while
 * strangers use the same resource (`share`).
 *
 * Invariants: `nextFree` never goes back; a slot belongs to one instance; background work reserves only what comes
 * free within its lead, so that an interactive call finds the schedule free beyond it; while background work waits,
 * interactive calls leave it one slot in five.
 */
export type Schedule = {
  /** The first slot that nobody has; milliseconds since 1970 by the table service, as all times here. */
  nextFree: number;
  /** The widest jitter that an instance has measured lately. */
  jitter: { ms: number; by: string; at: number };
  /** Face refused calls though we kept the quota: somebody else uses it too. */
  throttled?: Throttled;
  /** The monthly volume is used up until then. */
  exhaustedUntil?: number;
  /** Background work waits until then, if it is not heard of again; how many interactive calls went before it since. */
  background?: { waitsUntil: number; passed: number };
};

type Throttled = {
  /** Calls that left before this do not count as refused once more. */
  cutAt: number;
  /** Shares of the quota: where it went on after the cut, and up to where it is known to be safe. */
  from: number;
  safe: number;
  /** How long it stays at the safe share before it tries for more. */
  holdMs: number;
};

export type Booking = {
  priority: 'interactive' | 'background';
  wanted: number;
  now: number;
  jitterMs: number;
  by: string;
  /** The first slot cannot be before this. */
  earliest: number;
  /** When the next slot comes free only after this, it is not booked. */
  horizonMs: number;
};

export type Booked =
  | { kind: 'booked'; schedule: Schedule; slots: number[]; slotMs: number }
  | { kind: 'later'; free: number; slotMs: number };

/** A monthly volume is Face's to count: calls are not spaced by it. */
const longestSpacedWindowMs = 3_600_000;
/** What an instance measured counts so long after it was last heard of. */
const jitterHeardMs = 60_000;
/** Slots that are booked at once lie within this, and are one at least. */
const blockMs = 25;
const smallestShare = 1 / 64;
const climbMs = 20_000;
const firstHoldMs = 60_000;
const longestHoldMs = 3_600_000;
/** From the safe share it climbs by a tenth of the quota in this time. */
const tenthMs = 30_000;

/** So many interactive calls go before one of the background, while it waits. */
export const passedAtMost = 4;
/** Who was sent away comes back within this. */
const backgroundHeardMs = 10_000;

function waitsInBackground({ background }: Schedule, now: number): boolean {
  return background !== undefined && background.waitsUntil > now;
}

/** Whether the next slot is for background work, if it comes in time. */
export function isOwedToBackground(schedule: Schedule, now: number): boolean {
  return waitsInBackground(schedule, now) && (schedule.background?.passed ?? 0) >= passedAtMost;
}

/** Background work waits, which interactive calls of all instances are to know. */
export function backgroundWaits(schedule: Schedule, now: number): Schedule {
  const passed = waitsInBackground(schedule, now) ? (schedule.background?.passed ?? 0) : 0;
  return { ...schedule, background: { waitsUntil: now + backgroundHeardMs, passed } };
}

/** Whether that has to be said again soon. */
export function isHardlyHeard({ background }: Schedule, now: number): boolean {
  return (background?.waitsUntil ?? 0) < now + backgroundHeardMs / 2;
}

/** Counts the slots that were booked, as long as background work waits. */
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

/** Milliseconds from one slot to the next; 0 when anything is allowed. */
export function slotOf(quota: Quota, jitterMs: number, share = 1): number {
  return (
    Math.max(0, ...spacedRates(quota).map(({ calls, windowMs }) => (windowMs + jitterMs) / calls)) / share
  );
}

/** The part of the quota that we use now: 1, or less after refusals. */
export function shareOf({ throttled }: Schedule, now: number): number {
  if (throttled === undefined) return 1;
  const { cutAt, from, safe, holdMs } = throttled;
  const sinceCut = Math.max(0, now - cutAt);
  if (sinceCut < climbMs) return from + (safe - from) * (sinceCut / climbMs);
  return Math.min(1, safe + (Math.max(0, sinceCut - climbMs - holdMs) / tenthMs) * 0.1);
}

/** Books the next slots, or says from when on the next one is free. */
export function book(quota: Quota, schedule: Schedule, booking: Booking): Booked {
  const { now, by, jitterMs, earliest, horizonMs } = booking;
  const heard = schedule.jitter;
  const isMine = jitterMs >= heard.ms || heard.by === by || now - heard.at > jitterHeardMs;
  const jitter = isMine ? { ms: jitterMs, by, at: now } : heard;
  const share = shareOf(schedule, now);
  const slotMs = slotOf(quota, jitter.ms, share);
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
      ...(isThrottled ? { throttled } : {}),
      nextFree: first + count * slotMs,
      jitter,
    },
  };
}

/** Face refused a call that left at `leftAt`: nothing leaves for so long, and then less than before. */
export function refused(
  schedule: Schedule,
  { leftAt, retryAfterMs, now }: { leftAt: number; retryAfterMs: number; now: number },
): Schedule {
  const paused = { ...schedule, nextFree: Math.max(schedule.nextFree, now + retryAfterMs) };
  const { throttled } = schedule;
  if (throttled !== undefined && leftAt <= throttled.cutAt) return paused;
  const share = shareOf(schedule, now);
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
