/*
 * Limiters of N calls in W milliseconds, as gateways have them. Each takes or refuses a call by the time of its
 * arrival; all begin with nothing counted.
 */
export type Limiter = (at: number) => boolean;

export function slidingLog(calls: number, windowMs: number): Limiter {
  let taken: number[] = [];
  return (at) => {
    taken = taken.filter((earlier) => earlier > at - windowMs);
    if (taken.length >= calls) return false;
    taken.push(at);
    return true;
  };
}

export function fixedWindow(calls: number, windowMs: number): Limiter {
  let window = NaN;
  let taken = 0;
  return (at) => {
    const current = Math.floor(at / windowMs);
    if (current !== window) [window, taken] = [current, 0];
    if (taken >= calls) return false;
    taken += 1;
    return true;
  };
}

export function tokenBucket(calls: number, windowMs: number): Limiter {
  let tokens = calls;
  let last = NaN;
  return (at) => {
    if (!Number.isNaN(last)) tokens = Math.min(calls, tokens + ((at - last) * calls) / windowMs);
    last = at;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

/** The generic cell rate algorithm with a tolerance of W − W/N. */
export function gcra(calls: number, windowMs: number): Limiter {
  const interval = windowMs / calls;
  let theoretical = -Infinity;
  return (at) => {
    if (at < theoretical - (windowMs - interval)) return false;
    theoretical = Math.max(theoretical, at) + interval;
    return true;
  };
}

export const limiters = { slidingLog, fixedWindow, tokenBucket, gcra };

/** What would be refused of these arrivals, by limiter. */
export function refusals(
  { calls, windowMs }: { calls: number; windowMs: number },
  arrivals: readonly number[],
) {
  const inOrder = arrivals.toSorted((a, b) => a - b);
  return Object.fromEntries(
    Object.entries(limiters).map(([name, limiter]) => {
      const accepts = limiter(calls, windowMs);
      return [name, inOrder.filter((at) => !accepts(at)).length];
    }),
  );
}

export const noRefusals = { slidingLog: 0, fixedWindow: 0, tokenBucket: 0, gcra: 0 };
