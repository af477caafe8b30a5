import type { FaceRectangle } from '../face/types.ts';
import { inParallel, readsAtOnce } from './parallel.ts';
import { newestFirst } from './keys.ts';
import { prefixed, type PageQuery } from './ranges.ts';
import type { Table } from './table.ts';

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

/** `expireAt`: when Face has discarded the last of the deleted face IDs; 0 when none was deleted. */
type DroppedFaces = { dropped: number; expireAt: number };

export type FaceIds = ReturnType<typeof createFaceIds>;

/** The face IDs detected for each group: each has a row by time (`t.`, newest first) and a row by ID (`f.`). */
export function createFaceIds(table: Table, now: () => number) {
  const isUsable = ({ expiresAt }: SeenFace): boolean => expiresAt - lastUseBeforeExpiryMs > now();
  return {
    isUsable,

    async remember(group: string, faces: readonly SeenFace[]): Promise<void> {
      const writes = faces.flatMap((face) => [
        { kind: 'put' as const, rowKey: timeKey(face), value: face },
        { kind: 'put' as const, rowKey: idKey(face), value: face },
      ]);
      await table.writeAll(group, writes);
    },

    async get(group: string, faceId: string): Promise<SeenFace | undefined> {
      return (await table.get<SeenFace>(group, idKey({ faceId })))?.value;
    },

    /** Deletes these face IDs. */
    async drop(group: string, faceIds: readonly string[]): Promise<DroppedFaces> {
      const found = await inParallel(faceIds, readsAtOnce, (faceId) =>
        table.get<SeenFace>(group, idKey({ faceId })),
      );
      const faces = found.flatMap((row) => (row === undefined ? [] : [row.value]));
      const keys = faces.flatMap((face) => [timeKey(face), idKey(face)]);
      await table.writeAll(
        group,
        keys.map((rowKey) => ({ kind: 'remove', rowKey })),
      );
      return { dropped: faces.length, expireAt: goneAt(faces) };
    },

    /** Usable faces of one recognition model that were detected since `since`, newest first. */
    async *newest(group: string, recognitionModel: string, since: number): AsyncGenerator<SeenFace> {
      for await (const { value } of table.range<SeenFace>(group, 't.', `t.${newestFirst(since)}~`))
        if (value.recognitionModel === recognitionModel && isUsable(value)) yield value;
    },

    /** Reads one page of faces, newest first, and deletes the faces for which `isForgotten` is true. */
    async forget(
      group: string,
      page: PageQuery,
      isForgotten: (face: SeenFace) => boolean | Promise<boolean>,
    ): Promise<DroppedFaces & { next?: string }> {
      const range = prefixed(group, 't.');
      const { dropped, ...rest } = await table.deleteWhere<SeenFace>(
        range,
        page,
        ({ value }) => isForgotten(value),
        idKey,
      );
      return { dropped: dropped.length, expireAt: goneAt(dropped), ...rest };
    },

    /**
     * Deletes rows of face IDs that Face has certainly discarded; at most `top`. Only rows older than `lifetimeMs`, the
     * present lifetime, are read; a row of a longer lifetime stays until its own end.
     */
    async dropExpired(group: string, lifetimeMs: number, top: number): Promise<void> {
      const from = `t.${newestFirst(now() - lifetimeMs - goneAfterExpiryMs)}`;
      const isGone = ({ value }: { value: SeenFace }) => goneAt([value]) <= now();
      await table.deleteWhere<SeenFace>({ ...prefixed(group, 't.'), from }, { top }, isGone, idKey);
    },
  };
}

function timeKey({ detectedAt, faceId }: SeenFace): string {
  return `t.${newestFirst(detectedAt)}.${faceId}`;
}

function idKey({ faceId }: Pick<SeenFace, 'faceId'>): string {
  return `f.${faceId}`;
}

function goneAt(faces: readonly SeenFace[]): number {
  return Math.max(0, ...faces.map(({ expiresAt }) => expiresAt + goneAfterExpiryMs));
}
