import { FaceFault, faults } from '../contract/faults.ts';
import type { FaceStore } from '../storage/store.ts';

/** `calls` in any window of `perSeconds` seconds, and `callsPerMonth`; `none` is unlimited. */
export type FaceQuota = { calls: number; perSeconds: number; callsPerMonth?: number } | 'none';

/** The plan whose limits of collections and persons hold: F0 is free, S0 is paid. */
export type FacePlan = 'F0' | 'S0';

const monthMs = 30 * 86_400_000;

/** Counts a call, or returns the fault that refuses a call beyond the quota. */
export type Limiter = () => FaceFault | undefined;

/**
 * A sliding-window log, the strictest kind of limiter: of any N + 1 admitted calls, the last comes at least W after the
 * first. Refused calls do not count. The count of the month survives a restart, the window does not.
 */
export function createLimiter(quota: FaceQuota, store: FaceStore, now: () => number): Limiter {
  if (quota === 'none') return () => undefined;
  const windowMs = quota.perSeconds * 1_000;
  const recent: number[] = [];
  return () => {
    const at = now();
    // Entries from the future are dropped: a clock that was set back would otherwise refuse calls until it catches up.
    while (recent[0] !== undefined && (recent[0] <= at - windowMs || recent[0] > at)) recent.shift();
    if (recent.length >= quota.calls) return rateExceeded((recent[0] ?? at) + windowMs - at);
    const monthly = quota.callsPerMonth;
    if (monthly !== undefined) {
      const month = Math.floor(at / monthMs);
      if (store.monthlyCalls(month) >= monthly) return volumeExceeded((month + 1) * monthMs - at);
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
