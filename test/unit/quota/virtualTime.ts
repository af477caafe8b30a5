import type { LimiterClock } from '../../../shared/quota/rateLimiter.ts';

/** A clock that goes on only when nothing is left to do at its present time. */
export function virtualTime(startAt: number) {
  let now = startAt;
  let order = 0;
  const timers: { at: number; order: number; wake: () => void; cancelled: boolean }[] = [];

  function after(ms: number, wake: () => void): () => void {
    const timer = { at: now + Math.max(0, ms), order: (order += 1), wake, cancelled: false };
    let index = timers.length;
    while (index > 0 && isLater(timers[index - 1] ?? timer, timer)) index -= 1;
    timers.splice(index, 0, timer);
    return () => {
      timer.cancelled = true;
    };
  }

  return {
    now: () => now,
    after,
    sleep: (ms: number) => new Promise<void>((resolve) => void after(ms, resolve)),
    /** The clock of a machine that is off by so much, and that may stand still for a while. */
    machine(offMs: number, stallMs: () => number): LimiterClock {
      return {
        now: () => now + offMs,
        after: (ms, wake) => after(ms + stallMs(), wake),
      };
    },
    async runUntil(end: number): Promise<void> {
      for (;;) {
        // Promises that are settled have their turn before the time goes on.
        for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
        const [next] = timers;
        if (next === undefined || next.at > end) {
          now = end;
          return;
        }
        timers.shift();
        now = next.at;
        if (!next.cancelled) next.wake();
      }
    },
  };
}

function isLater(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at > b.at || (a.at === b.at && a.order > b.order);
}
