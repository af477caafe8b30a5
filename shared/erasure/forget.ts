import type { Erasure } from '../records/erasure.ts';
import type { SeenFace } from '../records/faceIds.ts';
import { stampedUntil } from '../records/generation.ts';
import type { StoredResult } from '../records/results.ts';
import type { UntrainedFace } from '../records/untrainedFaces.ts';
import type { EraseOptions } from './options.ts';
import type { Slice } from './steps.ts';

/*
 * Each function reads one page of one kind of row of the group, and deletes the rows that the erasure is about and that
 * were stamped no later than the deletion; by default the erasure is about all of them.
 */

export const rowsAtATime = 500;

export async function forgetFaceIds(
  { faceIds }: EraseOptions,
  { group, deletedAt, after }: Erasure,
  isForgotten: (face: SeenFace) => boolean | Promise<boolean> = () => true,
): Promise<Slice> {
  const { dropped, expireAt, next } = await faceIds.forget(
    group,
    { top: rowsAtATime, after },
    (face) => face.detectedAt <= stampedUntil(deletedAt) && isForgotten(face),
  );
  return { erased: { faceIds: dropped }, templatesExpireAt: expireAt, next };
}

export async function forgetUntrainedFaces(
  { untrainedFaces }: EraseOptions,
  { group, deletedAt, after }: Erasure,
  isForgotten: (face: UntrainedFace) => boolean = () => true,
): Promise<Slice> {
  return untrainedFaces.forget(
    group,
    { top: rowsAtATime, after },
    (face) => face.addedAt <= stampedUntil(deletedAt) && isForgotten(face),
  );
}

/** Replaces each result by what `redact` leaves of it. Index rows of a changed result under `person` are removed. */
export async function forgetResults(
  { results }: EraseOptions,
  { group, person, deletedAt, after }: Erasure,
  redact: (result: StoredResult) => StoredResult | undefined | Promise<StoredResult | undefined> = () =>
    undefined,
): Promise<Slice> {
  const { changed, next } = await results.forget(
    group,
    { top: rowsAtATime, after },
    (result) => (Date.parse(result.createdAt) <= stampedUntil(deletedAt) ? redact(result) : result),
    person,
  );
  return { erased: { results: changed }, next };
}

export async function forgetIdempotencyRecords(
  { idempotencyRecords }: EraseOptions,
  { group, deletedAt, after }: Erasure,
): Promise<Slice> {
  return idempotencyRecords.forget(
    group,
    { top: rowsAtATime, after },
    ({ claimedAt }) => claimedAt <= stampedUntil(deletedAt),
  );
}
