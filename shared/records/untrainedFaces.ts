import type { ImageRef } from '../messages/workQueues.ts';
import { lastUseBeforeExpiryMs } from './faceIds.ts';
import { newestFirst } from './keys.ts';
import { take, type PageQuery, type Range } from './ranges.ts';
import type { Table } from './table.ts';

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
  return {
    async remember(face: UntrainedFace): Promise<void> {
      const rowKey = `${newestFirst(face.begun)}.${newestFirst(face.addedAt)}.${face.faceId}`;
      await table.write(allOf(face.ref.group).partition, [{ kind: 'put', rowKey, value: face }]);
    },

    /** The newest faces that the last successful training does not cover and whose IDs are usable; at most `top`. */
    async newest(group: string, lastSucceeded: number, top: number): Promise<UntrainedFace[]> {
      const { partition, from } = allOf(group);
      const rows = await take(table.range<UntrainedFace>(partition, from, toCovered(lastSucceeded)), top);
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
      await table.deleteWhere({ ...allOf(group), from: toCovered(lastSucceeded - 1) }, { top }, () => true);
    },

    /** Reads one page of faces, newest first, and deletes the faces for which `isForgotten` is true. */
    async forget(
      group: string,
      page: PageQuery,
      isForgotten: (face: UntrainedFace) => boolean,
    ): Promise<{ next?: string }> {
      return table.deleteWhere<UntrainedFace>(allOf(group), page, ({ value }) => isForgotten(value));
    },
  };
}

/** Row keys begin with the number of begun trainings, highest first. */
function allOf(group: string): Range {
  return { partition: `fresh.${group}`, from: '', before: '~' };
}

/** The first row key of the faces that the training with this number covers. */
function toCovered(training: number): string {
  return newestFirst(training - 1);
}
