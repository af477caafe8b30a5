import { faceLimits, type FaceClient } from '../face/client.ts';
import type { SimilarFace } from '../face/types.ts';
import type { UntrainedFace, UntrainedFaces } from '../records/untrainedFaces.ts';
import type { Group } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { Candidate } from './candidates.ts';
import type { SearchBudget } from './searchBudget.ts';
import { comparedAtMost } from './probe.ts';
import { similarInBatch } from './similarFaces.ts';

/*
 * A face is known to Face's group only when a training covers it, which takes minutes in a large group. Until then it
 * is compared by the ID that its detection gave: no call more for the picture that is enrolled, one for each face
 * that is asked about and for each thousand of faces that wait for a training.
 *
 * The other way, a small group beside the large one that is trained within seconds, needs one more add and one more
 * delete for each picture: during an import half as many calls again.
 */

/** Faces that are compared, newest first: what an import at ten calls a second adds in ten minutes. */
const untrainedFacesAtMost = 3_000;

export type UntrainedOptions = {
  face: FaceClient;
  searchBudget: SearchBudget;
  untrainedFaces: Pick<UntrainedFaces, 'newest'>;
  imageRecords: Pick<ImageRecords, 'livingImage'>;
};

export type UntrainedQuery = { maxCandidates: number; confidenceThreshold?: number | undefined };

/**
 * Adds persons by their fresh faces, newest first, to faces that have fewer candidates than were asked for.
 * `lastSucceeded` was read before Face was asked, and the fresh faces are read after it has answered: a face that
 * replaced another meanwhile, or that a training has covered since, is among them.
 */
export async function withFreshCandidates<Face extends { faceId: string; candidates: Candidate[] }>(
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
  const fresh = await options.untrainedFaces.newest(group.group, lastSucceeded, untrainedFacesAtMost);
  if (fresh.length === 0) return [...faces];
  const byFaceId = new Map(fresh.map((face) => [face.faceId, face]));
  const similar = await similarTo(options, open, [...byFaceId.keys()], query);
  const found = await Promise.all(
    similar.map((alike) => candidatesAmong(options, group, alike, byFaceId, query)),
  );
  return faces.map((face) => {
    const more = found[open.indexOf(face)];
    return more === undefined ? face : { ...face, candidates: best(face.candidates, more, query) };
  });
}

/** For each face those like it, most alike first: the newest are compared with every face before older ones are. */
async function similarTo(
  { face, searchBudget }: UntrainedOptions,
  open: readonly { faceId: string }[],
  newestFirst: readonly string[],
  { confidenceThreshold }: UntrainedQuery,
): Promise<SimilarFace[][]> {
  // Without a threshold of ours, Face's own decides who is the same person.
  const mode = confidenceThreshold === undefined ? 'matchPerson' : 'matchFace';
  // A person may have many fresh faces.
  const query = { mode, maxCandidates: faceLimits.findSimilarFaceIds } as const;
  const found: SimilarFace[][] = open.map(() => []);
  const asked: Promise<void>[] = [];
  for (let start = 0; start < newestFirst.length; start += faceLimits.findSimilarFaceIds) {
    const batch = newestFirst.slice(start, start + faceLimits.findSimilarFaceIds);
    for (const [index, { faceId }] of open.entries()) {
      const others = batch.filter((other) => other !== faceId);
      const ask = similarInBatch(face, faceId, others, query, searchBudget);
      asked.push(ask.then((similar) => void found[index]?.push(...similar)));
    }
  }
  await Promise.all(asked);
  return found.map((similar) => similar.toSorted((a, b) => b.confidence - a.confidence));
}

async function candidatesAmong(
  { imageRecords }: UntrainedOptions,
  group: Group,
  similar: readonly SimilarFace[],
  fresh: ReadonlyMap<string, UntrainedFace>,
  { maxCandidates, confidenceThreshold }: UntrainedQuery,
): Promise<Candidate[]> {
  const candidates = new Map<string | undefined, Candidate>();
  for (const { faceId: match, confidence } of similar) {
    if (candidates.size === maxCandidates || confidence < (confidenceThreshold ?? 0)) break;
    const compared = fresh.get(match);
    if (candidates.has(compared?.ref.person)) continue;
    const person = await namedPerson(imageRecords, group, compared);
    if (person !== undefined) candidates.set(compared?.ref.person, { ...person, confidence });
  }
  return [...candidates.values()];
}

/** Only while the very face stands for its picture: it may have been removed or replaced. */
async function namedPerson(
  imageRecords: UntrainedOptions['imageRecords'],
  group: Group,
  fresh: UntrainedFace | undefined,
) {
  const picture = fresh && (await imageRecords.livingImage(group, fresh.ref));
  const { person, persisted } = picture ?? {};
  return person === undefined || persisted === undefined || persisted.content !== fresh?.content
    ? undefined
    : { person, personId: persisted.personId };
}

/** The best of each person, best first. */
function best(
  trained: readonly Candidate[],
  fresh: readonly Candidate[],
  { maxCandidates }: UntrainedQuery,
): Candidate[] {
  const byPerson = new Map<string, Candidate>();
  for (const candidate of [...trained, ...fresh].toSorted((a, b) => b.confidence - a.confidence)) {
    if (!byPerson.has(candidate.personId)) byPerson.set(candidate.personId, candidate);
  }
  return [...byPerson.values()].slice(0, maxCandidates);
}
