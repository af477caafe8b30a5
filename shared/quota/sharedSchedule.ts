import { RollcallError } from '../errors/errors.ts';
import type { LimiterClock } from './departures.ts';
import { longestJitterMs } from './jitter.ts';
import { emptySchedule, type Schedule } from './schedule.ts';
import type { ServiceClock } from './serviceClock.ts';

/** Storage of the schedule that all instances share. */
export interface ScheduleStore {
  read(): Promise<{ schedule: Schedule; etag: string } | undefined>;
  /**
   * Writes the schedule if it has not changed since `etag` (undefined: if no schedule exists). Resolves with the new
   * ETag and the time of the write by the store's clock, or with undefined when another instance has written first.
   */
  write(
    schedule: Schedule,
    etag: string | undefined,
  ): Promise<{ etag: string; writtenAt: number | undefined } | undefined>;
}

/**
 * The shared row as this instance knows it. Each write is an optimistic one, and tells how long writes take and what
 * the time is by the store's clock.
 */
export type SharedSchedule = ReturnType<typeof createSharedSchedule>;

/** `etag`: undefined while no row exists. */
export type KnownSchedule = { schedule: Schedule; etag: string | undefined };

const durationsKept = 32;
/** How often a change of the shared row is tried before it fails with `conflict` because others keep changing it. */
const conflictsAtMost = 50;

export function createSharedSchedule(store: ScheduleStore, clock: LimiterClock, serviceClock: ServiceClock) {
  let known: KnownSchedule | undefined;
  let durationsMs: number[] = [];

  const read = async (): Promise<KnownSchedule> =>
    (await store.read()) ?? { schedule: emptySchedule(longestJitterMs), etag: undefined };

  async function write(schedule: Schedule, etag: string | undefined): Promise<KnownSchedule | undefined> {
    const askedAt = clock.now();
    const written = await store.write(schedule, etag);
    const answeredAt = clock.now();
    if (written?.writtenAt !== undefined) serviceClock.observe(askedAt, answeredAt, written.writtenAt);
    durationsMs = [...durationsMs.slice(1 - durationsKept), answeredAt - askedAt];
    return written && { schedule, etag: written.etag };
  }

  return {
    /** Reads the row, if it is unknown. */
    async load(): Promise<KnownSchedule> {
      known ??= await read();
      return known;
    },

    /** Replaces the row `before`. Returns false when another instance has written first: the row is unknown then. */
    async replace(before: KnownSchedule, schedule: Schedule): Promise<boolean> {
      known = await write(schedule, before.etag);
      return known !== undefined;
    },

    /**
     * Changes the row, and repeats the change on the latest row when another instance has written in between.
     * @throws RollcallError conflict
     */
    async change(transition: (schedule: Schedule) => Schedule): Promise<void> {
      for (let tries = 0; tries < conflictsAtMost; tries += 1) {
        const { schedule, etag } = await read();
        const written = await write(transition(schedule), etag);
        if (written !== undefined) {
          known = written;
          return;
        }
      }
      throw new RollcallError('conflict', 'The schedule of calls to Face is changed all the time.');
    },

    /** The 90th percentile of the duration of writes, in milliseconds. */
    usualWriteMs: (): number =>
      durationsMs.toSorted((a, b) => a - b)[Math.floor((durationsMs.length - 1) * 0.9)] ?? 0,

    /** For how many milliseconds the monthly volume is still used up; 0 or less when it is not. */
    exhaustedForMs: (): number => (known?.schedule.exhaustedUntil ?? 0) - serviceClock.now(),
  };
}
