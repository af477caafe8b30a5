import { faceLimits, type FaceClient } from '../face/client.ts';
import type { SimilarFace } from '../face/types.ts';
import type { UntrainedFace, UntrainedFaces } from '../records/untrainedFaces.ts';
import type { Group } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { Candidate } from './candidates.ts';
import type { SearchBudget } from './searchBudget.ts';
import { comparedAtMost } from './probe.ts';
import { fetchSimilarInBatch } from './similarFaces.ts';

/*
 * Face identifies an enrolled face only after a training covers it, which takes minutes in a large group. Until then
 * the enrolled face is untrained, and is compared by the face ID of its detection. The comparison costs no additional
 * call for the enrolled image, and one call for each probe face and each 1,000 untrained faces.
 *
 * The alternative is a small group beside the large one, which is trained within seconds. The small group needs one
 * more add and one more delete for each image: half as many calls again during an import.
 */

/** How many untrained faces are compared, newest first: an import at 10 calls a second adds this many in 10 minutes. */
const untrainedFacesAtMost = 3_000;

export type UntrainedOptions = {
  face: FaceClient;
  searchBudget: SearchBudget;
  untrainedFaces: Pick<UntrainedFaces, 'newest'>;
  imageRecords: Pick<ImageRecords, 'livingImage'>;
};

export type UntrainedQuery = { maxCandidates: number; confidenceThreshold?: number | undefined };

/**
 * Adds candidates from the untrained faces, newest first, to probe faces with fewer candidates than requested.
 * `lastSucceeded` is read before the call to Face, and the untrained faces are read after its answer. The untrained
 * faces therefore include a face that replaced another in the meantime, and a face that a training has covered since.
 */
export async function addUntrainedCandidates<Face extends { faceId: string; candidates: Candidate[] }>(
  options: UntrainedOptions,
  group: Group,
  lastSucceeded: number,
  faces: readonly Face[],
  query: UntrainedQuery,
): Promise<Face[]> {
  const open = faces
    .filter(({ candidates }) => candidates.length < query.maxCandidates)
    .slice(0, comparedAtMost);
  if (open.length === 0) return [...faces];
  const untrained = await options.untrainedFaces.newest(group.group, lastSucceeded, untrainedFacesAtMost);
  if (untrained.length === 0) return [...faces];
  const byFaceId = new Map(untrained.map((face) => [face.faceId, face]));
  const similar = await fetchSimilarToEach(options, open, [...byFaceId.keys()], query);
  const found = await Promise.all(
    similar.map((alike) => loadUntrainedCandidates(options, group, alike, byFaceId, query)),
  );
  return faces.map((face) => {
    const more = found[open.indexOf(face)];
    return more === undefined ? face : { ...face, candidates: best(face.candidates, more, query) };
  });
}

/**
 * The similar untrained faces of each probe face, most similar first. The newest batch of untrained faces is compared
 * with every probe face before an older batch is.
 */
async function fetchSimilarToEach(
  { face, searchBudget }: UntrainedOptions,
  open: readonly { faceId: string }[],
  newestFirst: readonly string[],
  { confidenceThreshold }: UntrainedQuery,
): Promise<SimilarFace[][]> {
  // Without a given threshold, the mode `matchPerson` applies the threshold of Face for the same person.
  const mode = confidenceThreshold === undefined ? 'matchPerson' : 'matchFace';
  const found: SimilarFace[][] = open.map(() => []);
  const asked: Promise<void>[] = [];
  for (let start = 0; start < newestFirst.length; start += faceLimits.findSimilarFaceIds) {
    const batch = newestFirst.slice(start, start + faceLimits.findSimilarFaceIds);
    for (const [index, { faceId }] of open.entries()) {
      const others = batch.filter((other) => other !== faceId);
      const ask = fetchSimilarInBatch(face, faceId, others, mode, searchBudget);
      asked.push(ask.then((similar) => void found[index]?.push(...similar)));
    }
  }
  await Promise.all(asked);
  return found.map((similar) => similar.toSorted((a, b) => b.confidence - a.confidence));
}

async function loadUntrainedCandidates(
  { imageRecords }: UntrainedOptions,
  group: Group,
  similar: readonly SimilarFace[],
  untrained: ReadonlyMap<string, UntrainedFace>,
  { maxCandidates, confidenceThreshold }: UntrainedQuery,
): Promise<Candidate[]> {
  const candidates = new Map<string | undefined, Candidate>();
  for (const { faceId: match, confidence } of similar) {
    if (candidates.size === maxCandidates || confidence < (confidenceThreshold ?? 0)) break;
    const compared = untrained.get(match);
    if (candidates.has(compared?.ref.person)) continue;
    const person = await loadPerson(imageRecords, group, compared);
    if (person !== undefined) candidates.set(compared?.ref.person, { ...person, confidence });
  }
  return [...candidates.values()];
}

/** The person of an untrained face; undefined when the face of its image was removed or replaced since. */
async function loadPerson(
  imageRecords: UntrainedOptions['imageRecords'],
  group: Group,
  untrained: UntrainedFace | undefined,
) {
  const record = untrained && (await imageRecords.livingImage(group, untrained.ref));
  const { person, persisted } = record ?? {};
  return person === undefined || persisted === undefined || persisted.content !== untrained?.content
    ? undefined
    : { person, personId: persisted.personId };
}

/** The best candidate of each person, best first. */
function best(
  trained: readonly Candidate[],
  untrained: readonly Candidate[],
  { maxCandidates }: UntrainedQuery,
): Candidate[] {
  const byPerson = new Map<string, Candidate>();
  for (const candidate of [...trained, ...untrained].toSorted((a, b) => b.confidence - a.confidence)) {
    if (!byPerson.has(candidate.personId)) byPerson.set(candidate.personId, candidate);
  }
  return [...byPerson.values()].slice(0, maxCandidates);
}
