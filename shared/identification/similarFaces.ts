import { faceLimits, type FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import type { FindSimilarMode, SimilarFace } from '../face/types.ts';

/**
 * The faces of `among` that are similar to `faceId`, most similar first. Calls Face in batches of at most 1,000 IDs.
 * Every match is asked for, because the image of a match may be gone or show another face by now.
 */
export async function fetchSimilarFaces(
  face: FaceClient,
  faceId: string,
  among: readonly string[],
  mode: FindSimilarMode,
): Promise<SimilarFace[]> {
  const similar: SimilarFace[] = [];
  for (let start = 0; start < among.length; start += faceLimits.findSimilarFaceIds) {
    const batch = among.slice(start, start + faceLimits.findSimilarFaceIds);
    similar.push(...(await fetchSimilarInBatch(face, faceId, batch, mode)));
  }
  return similar.toSorted((a, b) => b.confidence - a.confidence);
}

/**
 * One ID that has expired in Face fails its whole batch. Such a batch is halved until the expired ID stands alone.
 * Faces for which `mayCall` allows no call are left out.
 */
export async function fetchSimilarInBatch(
  face: FaceClient,
  faceId: string,
  batch: readonly string[],
  mode: FindSimilarMode,
  mayCall: () => boolean = () => true,
): Promise<SimilarFace[]> {
  if (batch.length === 0 || !mayCall()) return [];
  try {
    return await face.findSimilar(faceId, batch, { mode, maxCandidates: faceLimits.findSimilarFaceIds });
  } catch (error) {
    if (!isFaceError(error, 400, 'FaceNotFound')) throw error;
    if (batch.length === 1) return [];
    const middle = batch.length >> 1;
    const first = await fetchSimilarInBatch(face, faceId, batch.slice(0, middle), mode, mayCall);
    return [...first, ...(await fetchSimilarInBatch(face, faceId, batch.slice(middle), mode, mayCall))];
  }
}
