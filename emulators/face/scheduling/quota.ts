import { FaceFault, faults } from '../faults.ts';
import type { FaceStore } from '../storage/store.ts';

/** So many calls in any window of so many seconds, and in a month; or anything. */
export type FaceQuota = { calls: number; perSeconds: number; callsPerMonth?: number } | 'none';

/** Which limits of collections and persons hold: those of the free plan, or of the paid one. */
export type FacePlan = 'F0' | 'S0';

const monthMs = 30 * 86_400_000;

/** Counts a call; gives the fault that refuses it instead when it is one too many. */
export type Limiter = () => FaceFault | undefined;

/**
 * A sliding-window log, the strictest limiter there is: of any N + 1 calls that are let through, the last comes
 * at least W after the first. A call that is refused does not count. The month's count outlives the process, the
 * window does not.
 */
export function createLimiter(quota: FaceQuota, store: FaceStore, now: () => number): Limiter {
  if (quota === 'none') return () => undefined;
  const windowMs = quota.perSeconds * 1_000;
  const recent: number[] = [];
  return () => {
    const at = now();
    // A clock that was set back would otherwise close the service until it has caught up.
    while (recent[0] !== undefined && (recent[0] <= at - windowMs || recent[0] > at)) recent.shift();
    if (recent.length >= quota.calls) return rateExceeded((recent[0] ?? at) + windowMs - at);
    const monthly = quota.callsPerMonth;
    if (monthly !== undefined) {
      const month = Math.floor(at / monthMs);
      if (store.callsOfMonth(month) >= monthly) return volumeExceeded((month + 1) * monthMs - at);
      store.countCall(month);
    }
    recent.push(at);
    return undefined;
  };
}

function rateExceeded(waitMs: number): FaceFault {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  return faults.rateExceeded(seconds);
}

function volumeExceeded(waitMs: number): FaceFault {
  const days = Math.ceil(waitMs / 86_400_000);
  const message = `Out of call volume quota. Quota will be replenished in ${days} days.`;
  return new FaceFault(403, '403', message, days * 86_400);
}
