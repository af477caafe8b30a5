import type { FaceRectangle, FindSimilarMode } from '../face/types.ts';
import { readsAtOnce } from '../records/parallel.ts';
import { placeOf } from '../images/imagePath.ts';
import { shows } from '../records/image.ts';
import type { SeenFace } from '../records/faceIds.ts';
import type { Group } from '../records/groups.ts';
import { stampedUntil } from '../records/generation.ts';
import type { RecordAs, StoredResult } from '../records/results.ts';
import type { IdentificationOptions } from './identify.ts';
import { truncateToRecordSize } from './truncateToRecordSize.ts';
import { comparedAtMost, fetchProbe, type ProbeFace, type ProbeSource } from './probe.ts';
import { fetchSimilarFaces } from './similarFaces.ts';

export type SimilarMatch = {
  faceId: string;
  image?: string;
  faceRectangle: FaceRectangle;
  confidence: number;
  detectedAt: string;
};

export type FindSimilarAnswer = StoredResult & {
  kind: 'find-similar';
  /**
   * `searched`: how many faces were searched. `truncated`: there were more faces to search, more matches than can be
   * recorded, or more faces on the probe than are compared.
   */
  searched: number;
  truncated: boolean;
  faces: (ProbeFace & { matches: SimilarMatch[] })[];
};

/**
 * `since`: only faces detected since then, in milliseconds since 1970. At most the newest 10,000 faces are searched.
 */
export type FindSimilarQuery = { mode: FindSimilarMode; maxCandidates: number; since?: number | undefined };

export type FindSimilar = (
  group: Group,
  source: ProbeSource,
  query: FindSimilarQuery,
  as?: RecordAs,
) => Promise<FindSimilarAnswer>;

const searchedAtMost = 10_000;

/** Finds where else the faces of a probe were seen, among the face IDs that Face still keeps. Records the answer. */
export function createFindSimilar(options: IdentificationOptions): FindSimilar {
  const { results, now } = options;
  return async (group, source, query, as = { id: results.newId() }) => {
    const {
      faces,
      seenOn,
      remembered,
      truncated: moreFaces,
      ...image
    } = await fetchProbe(options, group, source);
    await remembered;
    const asked = new Set(faces.map(({ faceId }) => faceId));
    const earlierUntil = stampedUntil(group.deletedAt);
    const isElsewhere = (face: SeenFace) =>
      !asked.has(face.faceId) &&
      (face.image === undefined || !seenOn.has(face.image)) &&
      face.detectedAt > earlierUntil;
    const { seen, truncated } = await loadNewestSeen(options, group, isElsewhere, query.since);
    const createdAt = new Date(now()).toISOString();
    const found: FindSimilarAnswer['faces'] = [];
    for (const face of faces.slice(0, comparedAtMost))
      found.push({ ...face, matches: await fetchMatches(options, group, face, seen, query) });
    const most = Math.max(0, ...found.map(({ matches }) => matches.length));
    const toAnswer = (kept: number): FindSimilarAnswer => ({
      id: as.id,
      kind: 'find-similar',
      group: group.group,
      createdAt,
      ...image,
      searched: seen.length,
      truncated: truncated || kept < most || moreFaces || faces.length > comparedAtMost,
      faces: found.map((face) => ({ ...face, matches: face.matches.slice(0, kept) })),
    });
    const answer = truncateToRecordSize(toAnswer, most);
    await results.record(answer, [], as);
    return answer;
  };
}

async function loadNewestSeen(
  { faceIds }: IdentificationOptions,
  { group, recognitionModel }: Group,
  isElsewhere: (face: SeenFace) => boolean,
  since = 0,
): Promise<{ seen: SeenFace[]; truncated: boolean }> {
  const seen: SeenFace[] = [];
  for await (const face of faceIds.newest(group, recognitionModel, since)) {
    if (!isElsewhere(face)) continue;
    if (seen.length === searchedAtMost) return { seen, truncated: true };
    seen.push(face);
  }
  return { seen, truncated: false };
}

async function fetchMatches(
  options: IdentificationOptions,
  group: Group,
  { faceId }: ProbeFace,
  seen: readonly SeenFace[],
  query: FindSimilarQuery,
): Promise<SimilarMatch[]> {
  const seenById = new Map(seen.map((face) => [face.faceId, face]));
  const similar = await fetchSimilarFaces(options.face, faceId, [...seenById.keys()], query.mode);
  const matches: SimilarMatch[] = [];
  const candidates = similar.flatMap(({ faceId: matched, confidence }) => {
    const face = seenById.get(matched);
    return face === undefined ? [] : [{ face, confidence }];
  });
  for (
    let start = 0;
    start < candidates.length && matches.length < query.maxCandidates;
    start += readsAtOnce
  ) {
    const slice = candidates.slice(start, start + readsAtOnce);
    const there = await Promise.all(slice.map(({ face }) => isStillThere(options, group, face)));
    matches.push(...slice.filter((_candidate, index) => there[index]).map(toMatch));
  }
  return matches.slice(0, query.maxCandidates);
}

function toMatch({ face, confidence }: { face: SeenFace; confidence: number }): SimilarMatch {
  const { faceId, image, faceRectangle, detectedAt } = face;
  return {
    faceId,
    ...(image !== undefined && { image }),
    faceRectangle,
    confidence,
    detectedAt: new Date(detectedAt).toISOString(),
  };
}

/**
 * Whether a match may be named. A match whose image is gone, or shows another face by now, is not named, even if Face
 * still keeps the face ID.
 */
async function isStillThere(
  { imageRecords }: IdentificationOptions,
  group: Group,
  { image, version }: SeenFace,
): Promise<boolean> {
  if (image === undefined) return true;
  const record = await imageRecords.livingImage(group, placeOf(image).ref);
  return record !== undefined && version !== undefined && shows(record, version);
}
