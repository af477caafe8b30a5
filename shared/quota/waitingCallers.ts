import { deferred } from '../errors/errors.ts';
import type { Permit } from './departures.ts';
import type { Pace } from './pace.ts';
import { passedAtMost, type Priority } from './schedule.ts';

/*
 * The callers of one instance that wait for a slot.
 *
 * States of a caller: waiting; then either gone with a permit, or rejected.
 * Transitions: `wait` takes a caller in or rejects it at once, `leave` gives the permit of a slot to one caller, and
 * `rejectNewest`, `rejectImpatient` and `rejectAll` turn callers away.
 *
 * Invariants:
 * - callers of one priority leave in the order of their arrival;
 * - a caller whose estimated wait exceeds the longest wait is rejected on arrival, with the time to retry;
 * - the times to retry of rejected background callers are spread at about the pace of the slots.
 */
export type WaitingCallers = ReturnType<typeof createWaitingCallers>;

type Caller = {
  since: number;
  leave: (permit: Permit) => void;
  reject: (error: unknown) => void;
};

/**
 * Rejected background callers are told to retry slightly faster than slots become free: a second retry costs less than
 * an empty slot.
 */
const returnPace = 0.8;
const latestRetryMs = 6 * 3_600_000;

export function createWaitingCallers(now: () => number, pace: Pace) {
  let waiting: Record<Priority, Caller[]> = { interactive: [], background: [] };
  /** The latest retry time that was given to a rejected background caller. */
  let latestRetry = 0;

  function toRejection(priority: Priority, waitMs: number) {
    if (priority === 'interactive') return deferred(waitMs);
    const earliest = Math.max(latestRetry + returnPace * pace.ownMs(), now() + waitMs);
    latestRetry = Math.min(earliest, now() + latestRetryMs);
    return deferred(latestRetry - now());
  }

  return {
    count: (priority: Priority): number => waiting[priority].length,

    /** @throws RollcallError busy */
    wait(priority: Priority): Promise<Permit> {
      const waitMs = estimateWaitMs(priority, waiting.interactive.length, waiting.background.length, pace);
      if (waitMs > pace.longestWaitMs()) return Promise.reject(toRejection(priority, waitMs));
      return new Promise((leave, reject) => void waiting[priority].push({ since: now(), leave, reject }));
    },

    /** One caller leaves: the oldest of the priority `first`, or else of the other priority. */
    leave(first: Priority, permit: Permit): void {
      const second = first === 'interactive' ? 'background' : 'interactive';
      const caller = waiting[first].shift() ?? waiting[second].shift();
      caller?.leave(permit);
    },

    /** Rejects the newest caller, because older callers are nearer to their slots. */
    rejectNewest(priority: Priority, waitMs: number): void {
      waiting[priority].pop()?.reject(toRejection(priority, waitMs));
    },

    /** Rejects the oldest background caller when slots have become rarer since it arrived and its wait is too long. */
    rejectImpatient(): void {
      const oldest = waiting.background[0];
      const longestMs = 2 * Math.max(pace.longestWaitMs(), pace.ownMs());
      if (oldest === undefined || now() - oldest.since <= longestMs) return;
      waiting.background.shift();
      oldest.reject(toRejection('background', pace.longestWaitMs()));
    },

    rejectAll(error: unknown): void {
      const all = [...waiting.interactive, ...waiting.background];
      waiting = { interactive: [], background: [] };
      for (const { reject } of all) reject(error);
    },
  };
}

/** The estimated wait of one more caller, in milliseconds. */
function estimateWaitMs(priority: Priority, interactive: number, background: number, pace: Pace): number {
  if (priority === 'background')
    return Math.min(interactive + background, background * (passedAtMost + 1)) * pace.ownMs();
  const owed = background === 0 ? 0 : Math.ceil(interactive / passedAtMost);
  return (interactive + owed) * pace.slotMs();
}
