import type { FaceStore } from './store.ts';

/** So many calls in any window of so many seconds, and in a month; or anything. */
export type FaceQuota = { calls: number; perSeconds: number; callsPerMonth?: number } | 'none';

export type QuotaAnswer = { status: 429 | 403; retryAfterSeconds: number; message: string };

const monthMs = 30 * 86_400_000;

/**
 * A sliding-window log, the strictest limiter there is: of any N + 1 calls that are let through, the last comes
 * more than W after the first. A call that is refused does not count.
 */
export function createLimiter(quota: FaceQuota, store: FaceStore, now: () => number) {
  const recent: number[] = [];
  let head = 0;

  return (): QuotaAnswer | undefined => {
    if (quota === 'none') return undefined;
    const at = now();
    const windowMs = quota.perSeconds * 1_000;
    while (head < recent.length && (recent[head] ?? 0) <= at - windowMs) head += 1;
    if (head > 1_000) {
      recent.splice(0, head);
      head = 0;
    }
    if (recent.length - head >= quota.calls) {
      const retryAfterSeconds = Math.max(1, Math.ceil(((recent[head] ?? at) + windowMs - at) / 1_000));
      return {
        status: 429,
        retryAfterSeconds,
        message: `Rate limit is exceeded. Try again in ${retryAfterSeconds} seconds.`,
      };
    }
    if (quota.callsPerMonth !== undefined) {
      const month = Math.floor(at / monthMs);
      if (store.callsOfMonth(month) >= quota.callsPerMonth) {
        const days = Math.ceil(((month + 1) * monthMs - at) / 86_400_000);
        return {
          status: 403,
          retryAfterSeconds: days * 86_400,
          message: `Out of call volume quota. Quota will be replenished in ${days} days.`,
        };
      }
      store.countCall(month);
    }
    recent.push(at);
    return undefined;
  };
}
