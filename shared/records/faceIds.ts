import type { FaceRectangle } from '../face/types.ts';
import { inParallel, readsAtOnce } from './parallel.ts';
import { newestFirst } from './keys.ts';
import type { PageQuery } from './imageRecords.ts';
import { afterPrefix, take, type Stored, type Table } from './table.ts';

/** A face that Face still knows by its ID; times in milliseconds since 1970. */
export type SeenFace = {
  faceId: string;
  faceRectangle: FaceRectangle;
  recognitionModel: string;
  /** The picture it was seen on; absent when it came over HTTP. */
  image?: string;
  /** The version of that picture, as `versionOf` tells it. */
  version?: string;
  detectedAt: number;
  expiresAt: number;
};

/** Face IDs are not used in their last two minutes: a call may be on its way that long. */
export const lastUseBeforeExpiryMs = 120_000;
/**
 * So long after its end a face ID has surely gone in Face: its life began with the answer, clocks differ, and what has
 * expired is thrown away a little later.
 */
export const goneAfterExpiryMs = 120_000;

export type FaceIds = ReturnType<typeof createFaceIds>;

/** The face IDs seen in each group: by time, newest first, and by ID. */
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
      // At most 100 faces a picture, two rows each, 100 writes a transaction.
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

    /** Drops these; as `forget` does. */
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

    /** Usable faces, newest first, of one recognition model. */
    async *newest(group: string, recognitionModel: string, since: number): AsyncGenerator<SeenFace> {
      for await (const { value } of table.range<SeenFace>(group, 't.', `t.${newestFirst(since)}~`)) {
        if (value.recognitionModel === recognitionModel && value.expiresAt - lastUseBeforeExpiryMs > now())
          yield value;
      }
    },

    /**
     * Drops faces of which this says so: a slice of them, newest first, from `after` on. `expireAt`: when Face has
     * thrown away all that were dropped; 0 when none was.
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

    /** Drops faces that are gone in Face; at most `top`. */
    async dropExpired(group: string, longestLifetimeMs: number, top: number): Promise<void> {
      const from = `t.${newestFirst(now() - longestLifetimeMs - goneAfterExpiryMs)}`;
      await remove(group, await take(table.range<SeenFace>(group, from, 'u'), top));
    },
  };
}

/** When the last of them is gone in Face; 0 when there is none. */
function goneAt(rows: readonly Stored<SeenFace>[]): number {
  return Math.max(0, ...rows.map(({ value }) => value.expiresAt + goneAfterExpiryMs));
}
