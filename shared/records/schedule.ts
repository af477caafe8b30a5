import { createHash } from 'node:crypto';
import type { ScheduleStore } from '../quota/rateLimiter.ts';
import type { Schedule } from '../quota/schedule.ts';
import { WriteConflict, type Table } from './table.ts';

const partition = 'schedules';

/** The row that holds the schedule of calls to one Face resource, shared by all instances. */
export function createScheduleStore(table: Table, faceEndpoint: string): ScheduleStore {
  const rowKey = `s.${createHash('sha256').update(faceEndpoint).digest('base64url')}`;
  return {
    async read() {
      const row = await table.get<Schedule>(partition, rowKey);
      return row && { schedule: row.value, etag: row.etag };
    },
    async write(schedule, etag) {
      try {
        return await table.replace(partition, rowKey, schedule, etag);
      } catch (error) {
        if (error instanceof WriteConflict) return undefined;
        throw error;
      }
    },
  };
}
