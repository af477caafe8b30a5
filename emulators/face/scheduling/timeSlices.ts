import { setImmediate as nextTurn } from 'node:timers/promises';

/** The longest that work may block the thread, in milliseconds. */
const sliceMs = 10;

/** Awaited between the steps of long work: lets other calls run when the time slice of the work is over. */
export type YieldIfDue = () => Promise<void>;

/**
 * Divides long work on the thread that answers calls into time slices. One slice runs in each turn of the event loop,
 * whatever the number of calls with long work. Each piece of work needs its own `YieldIfDue`.
 */
export function createTimeSlices(): () => YieldIfDue {
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    let began = -Infinity;
    return async () => {
      if (performance.now() - began < sliceMs) return;
      const turn = last.then(() => nextTurn());
      last = turn;
      await turn;
      began = performance.now();
    };
  };
}
