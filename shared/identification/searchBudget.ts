import type { Quota } from '../config/quota.ts';

/*
 * What comparing fresh faces may cost: a twentieth of each rate of the quota, in every instance. It is spent as it is
 * asked for, the newest thousand of the largest face of a picture first. When it is spent, nothing more is compared,
 * and an answer says what the last training knows: a person who was enrolled since is found some seconds later, while
 * an import or another caller that waits for its turn is not made to wait longer.
 */
const share = 1 / 20;
/** What was not used is kept so long, or as long as the rate's own window: ten faces among 3,000 at ten calls a second. */
const savedMs = 60_000;

/** Takes one call, if there is one left. */
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
    // Sums of fractions fall short of a whole by a little.
    if (buckets.some(({ left }) => left < 1 - 1e-9)) return false;
    for (const bucket of buckets) bucket.left -= 1;
    return true;
  };
}
