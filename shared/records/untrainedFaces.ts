import type { ImageRef } from '../messages/workQueues.ts';
import { lastUseBeforeExpiryMs } from './faceIds.ts';
import { newestFirst } from './keys.ts';
import type { PageQuery } from './imageRecords.ts';
import { take, type Stored, type Table } from './table.ts';

/** An enrolled face with the face ID of its detection, which allows comparison before a training covers the face. */
export type UntrainedFace = {
  faceId: string;
  ref: ImageRef;
  /** The bytes on which the face was found, in the form of `contentOf`. */
  content: string;
  /** How many trainings of the group had begun when Face had stored the face; any later training covers the face. */
  begun: number;
  /** Milliseconds since 1970. */
  addedAt: number;
  expiresAt: number;
};

export type UntrainedFaces = ReturnType<typeof createUntrainedFaces>;

/** The untrained faces of each group, newest first: faces that were added since the last training. */
export function createUntrainedFaces(table: Table, now: () => number) {
  const partition = (group: string) => `fresh.${group}`;
  // Row keys begin with the number of begun trainings, highest first.
  const covered = (lastSucceeded: number) => newestFirst(lastSucceeded - 1);
  return {
    async remember(face: UntrainedFace): Promise<void> {
      const rowKey = `${newestFirst(face.begun)}.${newestFirst(face.addedAt)}.${face.faceId}`;
      await table.write(partition(face.ref.group), [{ kind: 'put', rowKey, value: face }]);
    },

    /** The newest faces that the last successful training does not cover and whose IDs are usable; at most `top`. */
    async newest(group: string, lastSucceeded: number, top: number): Promise<UntrainedFace[]> {
      const rows = await take(table.range<UntrainedFace>(partition(group), '', covered(lastSucceeded)), top);
      const usableUntil = now() + lastUseBeforeExpiryMs;
      return rows.map(({ value }) => value).filter(({ expiresAt }) => expiresAt > usableUntil);
    },

    /**
     * Deletes faces that an earlier training than the last one covers; at most `top`. Faces that only the last training
     * covers are kept for requests that asked Face before that training ended.
     */
    async dropCovered(group: string, lastSucceeded: number, top: number): Promise<void> {
      // Below 2 no earlier training can cover a face, and row keys hold no negative number.
      if (lastSucceeded < 2) return;
      const rows = table.range<UntrainedFace>(partition(group), covered(lastSucceeded - 1), '~');
      await drop(group, await take(rows, top));
    },

    /** Reads one page of faces from `after` on, newest first, and deletes the faces for which `isForgotten` is true. */
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
