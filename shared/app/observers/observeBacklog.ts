import type { Quota } from '../../config/quota.ts';
import type { Reminders } from '../../records/reminders.ts';
import { record } from '../../telemetry/metrics.ts';

export type BacklogOptions = { reminders: Reminders; quota: Quota; now: () => number };

/** More than this is not counted: a hundred reads of a table. */
const countedAtMost = 100_000;
const monthMs = 30 * 86_400_000;

/** Measures what waits, and says what the quota is. */
export function createBacklogMeasure({ reminders, quota, now }: BacklogOptions) {
  return async function measure(): Promise<void> {
    const { pictures, since = now() } = await reminders.backlog(countedAtMost);
    record('rollcall.backlog.pictures', pictures);
    record('rollcall.backlog.oldest_age', Math.max(0, now() - since) / 1_000);
    for (const { calls, windowMs } of quota) {
      if (windowMs === monthMs) record('rollcall.face.quota.limit', calls, { 'rollcall.window': 'month' });
      else record('rollcall.face.quota.limit', (calls * 1_000) / windowMs, { 'rollcall.window': 'second' });
    }
  };
}
