import type { FaceRectangle } from '../face/types.ts';
import { inParallel, readsAtOnce } from './parallel.ts';
import { newestFirst } from './keys.ts';
import type { PageQuery } from './imageRecords.ts';
import { afterPrefix, take, type Stored, type Table } from './table.ts';

/** A detected face whose face ID is valid in Face until `expiresAt`; times in milliseconds since 1970. */
export type SeenFace = {
  faceId: string;
  faceRectangle: FaceRectangle;
  recognitionModel: string;
  /** The path of the image that shows the face; absent when the image was sent over HTTP. */
  image?: string;
  /** The version of the image, in the form of `versionOf`. */
  version?: string;
  detectedAt: number;
  expiresAt: number;
};

/** Face IDs are not used in their last two minutes, because a call to Face may take that long. */
export const lastUseBeforeExpiryMs = 120_000;
/**
 * How long after `expiresAt` a face ID is certainly gone in Face: the lifetime begins with the answer of Face, clocks
 * differ, and Face discards an expired face ID with a small delay.
 */
export const goneAfterExpiryMs = 120_000;

export type FaceIds = ReturnType<typeof createFaceIds>;

/** The face IDs detected for each group, indexed by time (newest first) and by ID. */
export function createFaceIds(table: Table, now: () => number) {
  const timeKey = (face: SeenFace) => `t.${newestFirst(face.detectedAt)}.${face.faceId}`;

  async function remove(group: string, rows: readonly Stored<SeenFace>[]): Promise<void> {
    for (let start = 0; start < rows.length; start += 50) {
      await table.write(
        group,
        rows.slice(start, start + 50).flatMap(({ rowKey, value }) => [
          { kind: 'remove' as const, rowKey },
          { kind: 'remove' as const, rowKey: `f.${value.faceId}` },
        ]),
      );
    }
  }

  return {
    async remember(group: string, faces: readonly SeenFace[]): Promise<void> {
      // An image has at most 100 faces with two rows each, and a transaction takes at most 100 writes.
      for (let start = 0; start < faces.length; start += 50) {
        await table.write(
          group,
          faces.slice(start, start + 50).flatMap((face) => [
            { kind: 'put' as const, rowKey: timeKey(face), value: face },
            { kind: 'put' as const, rowKey: `f.${face.faceId}`, value: face },
          ]),
        );
      }
    },

    async get(group: string, faceId: string): Promise<SeenFace | undefined> {
      return (await table.get<SeenFace>(group, `f.${faceId}`))?.value;
    },

    /** Deletes these face IDs. `expireAt`: when Face has discarded all deleted face IDs; 0 when none was deleted. */
    async drop(group: string, faceIds: readonly string[]): Promise<{ dropped: number; expireAt: number }> {
      const found = await inParallel(faceIds, readsAtOnce, (id) => table.get<SeenFace>(group, `f.${id}`));
      const rows = found.flatMap((row) =>
        row === undefined ? [] : [{ ...row, rowKey: timeKey(row.value) }],
      );
      await remove(group, rows);
      return { dropped: rows.length, expireAt: goneAt(rows) };
    },

    isUsable(face: SeenFace): boolean {
      return face.expiresAt - lastUseBeforeExpiryMs > now();
    },

    /** Usable faces of one recognition model that were detected since `since`, newest first. */
    async *newest(group: string, recognitionModel: string, since: number): AsyncGenerator<SeenFace> {
      for await (const { value } of table.range<SeenFace>(group, 't.', `t.${newestFirst(since)}~`)) {
        if (value.recognitionModel === recognitionModel && value.expiresAt - lastUseBeforeExpiryMs > now())
          yield value;
      }
    },

    /**
     * Reads one page of faces from `after` on, newest first, and deletes the faces for which `isForgotten` is true.
     * `expireAt`: when Face has discarded all deleted face IDs; 0 when none was deleted.
     */
    async forget(
      group: string,
      { top, after = 't.' }: PageQuery,
      isForgotten: (face: SeenFace) => boolean | Promise<boolean>,
    ): Promise<{ dropped: number; expireAt: number; next?: string }> {
      const rows = await take(table.range<SeenFace>(group, after, afterPrefix('t.')), top);
      const goes = await inParallel(rows, readsAtOnce, async ({ value }) => isForgotten(value));
      const forgotten = rows.filter((_row, index) => goes[index]);
      await remove(group, forgotten);
      const last = rows.at(-1)?.rowKey;
      const went = { dropped: forgotten.length, expireAt: goneAt(forgotten) };
      return rows.length < top || last === undefined ? went : { ...went, next: `${last}\u0001` };
    },

    /** Deletes rows of face IDs that Face has certainly discarded; at most `top`. */
    async dropExpired(group: string, longestLifetimeMs: number, top: number): Promise<void> {
      const from = `t.${newestFirst(now() - longestLifetimeMs - goneAfterExpiryMs)}`;
      await remove(group, await take(table.range<SeenFace>(group, from, 'u'), top));
    },
  };
}

/** When Face has discarded the last of these face IDs; 0 when there is none. */
function goneAt(rows: readonly Stored<SeenFace>[]): number {
  return Math.max(0, ...rows.map(({ value }) => value.expiresAt + goneAfterExpiryMs));
}
