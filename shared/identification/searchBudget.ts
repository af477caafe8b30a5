import type { Quota } from '../config/quota.ts';

/*
 * The budget for comparing untrained faces: a twentieth of each rate of the quota, in every instance. The budget is
 * spent in the order of the calls, which starts with the largest face of a probe and the newest 1,000 untrained faces.
 * When the budget is spent, no further comparison is made, and an answer contains what the last training knows: a
 * person who was enrolled since is found some seconds later. In return, an import or another caller that waits for a
 * permit does not wait longer.
 */
const share = 1 / 20;
/**
 * How long unused budget is kept, or the window of the rate if that is longer. At 10 calls a second this is enough to
 * compare 10 probe faces with 3,000 untrained faces.
 */
const savedMs = 60_000;

/** Takes one call from the budget; false when no call is left. */
export type SearchBudget = () => boolean;

export function createSearchBudget(quota: Quota, now: () => number): SearchBudget {
  const buckets = quota.map(({ calls, windowMs }) => {
    const perMs = (calls / windowMs) * share;
    const capacity = Math.max(1, perMs * Math.max(windowMs, savedMs));
    return { perMs, capacity, left: capacity };
  });
  let filledAt = now();
  return () => {
    const passed = Math.max(0, now() - filledAt);
    filledAt += passed;
    for (const bucket of buckets)
      bucket.left = Math.min(bucket.capacity, bucket.left + passed * bucket.perMs);
    // The tolerance covers the rounding errors of summed fractions.
    if (buckets.some(({ left }) => left < 1 - 1e-9)) return false;
    for (const bucket of buckets) bucket.left -= 1;
    return true;
  };
}
