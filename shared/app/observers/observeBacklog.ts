import type { Quota } from '../../config/quota.ts';
import type { Reminders } from '../../records/reminders.ts';
import { record } from '../../telemetry/metrics.ts';

export type BacklogOptions = { reminders: Reminders; quota: Quota; now: () => number };

/** The most images that are counted; counting this many takes a hundred reads of the table. */
const countedAtMost = 100_000;
const monthMs = 30 * 86_400_000;

/** Records metrics of the waiting images and of the configured Face quota. */
export function createBacklogMeasure({ reminders, quota, now }: BacklogOptions) {
  return async function measure(): Promise<void> {
    const { pictures, since = now() } = await reminders.backlog(countedAtMost);
    record('rollcall.backlog.images', pictures);
    record('rollcall.backlog.oldest_age', Math.max(0, now() - since) / 1_000);
    for (const { calls, windowMs } of quota) {
      if (windowMs === monthMs) record('rollcall.face.quota.limit', calls, { 'rollcall.window': 'month' });
      else record('rollcall.face.quota.limit', (calls * 1_000) / windowMs, { 'rollcall.window': 'second' });
    }
  };
}
