import { createRateLimiter, type ScheduleStore } from '../../../shared/quota/rateLimiter.ts';
import { parseQuota } from '../../../shared/config/quota.ts';
import type { Schedule } from '../../../shared/quota/schedule.ts';
import { randomOf } from './simulation.ts';
import { virtualTime } from './virtualTime.ts';

/** A rate limiter on a table in memory, and its callers. */
export function limiterInVirtualTime(quota: string, seed = 1) {
  const time = virtualTime(1_700_000_000_000);
  const row: { schedule?: Schedule; etag: number } = { etag: 0 };
  const store: ScheduleStore = {
    read: async () => row.schedule && { schedule: row.schedule, etag: String(row.etag) },
    async write(schedule, etag) {
      if ((row.schedule === undefined ? undefined : String(row.etag)) !== etag) return undefined;
      Object.assign(row, { schedule, etag: row.etag + 1 });
      return { etag: String(row.etag), writtenAt: time.now() };
    },
  };
  const random = randomOf(seed);
  const limiterOf = () => createRateLimiter({ quota: parseQuota(quota) ?? [], store, clock: time, random });
  return { time, store, limiterOf, limiter: limiterOf() };
}
