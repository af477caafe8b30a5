import type { Quota } from '../config/quota.ts';
import {
  backgroundWaits,
  book,
  isHardlyHeard,
  isOwedToBackground,
  type Priority,
  type Schedule,
} from './schedule.ts';

/** What a step depends on besides the shared row. Times are milliseconds. */
export type Situation = {
  /** The instance that books. */
  by: string;
  now: number;
  /** How many more callers wait than slots are booked. */
  wanted: number;
  /** Whether more callers wait at this priority than the booked slots will serve. */
  isWaiting: Record<Priority, boolean>;
  latenessMs: number;
  jitterMs: number;
  usualWriteMs: number;
  /** How far ahead background work books this time; `longestLeadMs` at most. */
  leadMs: number;
  longestLeadMs: number;
  longestWaitMs: number;
};

export type Step = { slotMs: number } & (
  | { kind: 'reserve'; schedule: Schedule; slots: number[]; isOwed: boolean }
  | { kind: 'announce'; schedule: Schedule }
  /** The next slot is too far ahead to be booked now. */
  | { kind: 'later'; priority: Priority; freeInMs: number; sleepMs: number }
);

/** The next step of an instance for which more callers wait than slots are booked, as a pure function of the row. */
export function toStep(quota: Quota, stored: Schedule, situation: Situation): Step {
  const { by, now, wanted, isWaiting, jitterMs, usualWriteMs, leadMs, longestLeadMs: longest } = situation;
  const isContended = isWaiting.interactive && isWaiting.background;
  const schedule = isContended && isHardlyHeard(stored, now) ? backgroundWaits(stored, now) : stored;
  const isOwed = isOwedToBackground(schedule, now);
  const isInteractive = isWaiting.interactive && !(isWaiting.background && isOwed);
  const priority = isInteractive ? 'interactive' : 'background';
  // Interactive calls book up to their longest wait ahead. A slot that is owed to background work, at this or another
  // instance, is booked for an interactive call only shortly before its time, so that an unused one is not lost.
  const interactiveHorizonMs = isOwed ? longest / 4 : situation.longestWaitMs;
  const horizonMs = isInteractive ? interactiveHorizonMs : leadMs;
  const earliest = now + usualWriteMs;
  const booked = book(quota, schedule, { priority, wanted, now, by, jitterMs, earliest, horizonMs });
  const { slotMs } = booked;
  if (booked.kind === 'booked') return { ...booked, kind: 'reserve', isOwed: isOwed && !isInteractive };
  if (!isInteractive && isHardlyHeard(schedule, now))
    return { kind: 'announce', slotMs, schedule: backgroundWaits(schedule, now) };
  const freeInMs = booked.free - now;
  return { kind: 'later', slotMs, priority, freeInMs, sleepMs: freeInMs - Math.min(horizonMs, longest) };
}
