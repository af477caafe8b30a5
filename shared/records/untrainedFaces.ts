import type { ImageRef } from '../messages/workQueues.ts';
import { lastUseBeforeExpiryMs } from './faceIds.ts';
import { newestFirst } from './keys.ts';
import type { PageQuery } from './imageRecords.ts';
import { take, type Stored, type Table } from './table.ts';

/** An enrolled face by the ID of its detection, by which it can be compared before a training covers it. */
export type UntrainedFace = {
  faceId: string;
  ref: ImageRef;
  /** The bytes that it was found on. */
  content: string;
  /** How many trainings of the group had been begun when Face had it: any later one covers it. */
  begun: number;
  /** Milliseconds since 1970. */
  addedAt: number;
  expiresAt: number;
};

export type UntrainedFaces = ReturnType<typeof createUntrainedFaces>;

/** The faces that were added to each group, newest first, until a training covers them. */
export function createUntrainedFaces(table: Table, now: () => number) {
  const partition = (group: string) => `fresh.${group}`;
  // Later trainings sort first, as later times do.
  const covered = (lastSucceeded: number) => newestFirst(lastSucceeded - 1);
  return {
    async remember(face: UntrainedFace): Promise<void> {
      const rowKey = `${newestFirst(face.begun)}.${newestFirst(face.addedAt)}.${face.faceId}`;
      await table.write(partition(face.ref.group), [{ kind: 'put', rowKey, value: face }]);
    },

    /** Usable faces that the last training that succeeded does not cover: the newest of them, `top` at most. */
    async newest(group: string, lastSucceeded: number, top: number): Promise<UntrainedFace[]> {
      const rows = await take(table.range<UntrainedFace>(partition(group), '', covered(lastSucceeded)), top);
      const usableUntil = now() + lastUseBeforeExpiryMs;
      return rows.map(({ value }) => value).filter(({ expiresAt }) => expiresAt > usableUntil);
    },

    /**
     * Drops faces that an earlier training than the last covers; `top` at most. Those that the last one covers are kept
     * for who has asked Face before it ended.
     */
    async dropCovered(group: string, lastSucceeded: number, top: number): Promise<void> {
      // The keys hold no number below that of the first training.
      if (lastSucceeded < 2) return;
      const rows = table.range<UntrainedFace>(partition(group), covered(lastSucceeded - 1), '~');
      await drop(group, await take(rows, top));
    },

    /** Drops faces of which this says so: a slice of them, newest first, from `after` on. */
    async forget(
      group: string,
      { top, after = '' }: PageQuery,
      isForgotten: (face: UntrainedFace) => boolean,
    ): Promise<{ next?: string }> {
      const rows = await take(table.range<UntrainedFace>(partition(group), after, '~'), top);
      await drop(
        group,
        rows.filter(({ value }) => isForgotten(value)),
      );
      const last = rows.at(-1)?.rowKey;
      return rows.length < top || last === undefined ? {} : { next: `${last}\u0001` };
    },
  };

  async function drop(group: string, rows: readonly Stored<UntrainedFace>[]): Promise<void> {
    for (let start = 0; start < rows.length; start += 100) {
      const removals = rows.slice(start, start + 100);
      await table.write(
        partition(group),
        removals.map(({ rowKey }) => ({ kind: 'remove' as const, rowKey })),
      );
    }
  }
}
