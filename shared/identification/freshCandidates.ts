import { faceLimits, type FaceClient } from '../face/client.ts';
import type { FreshFace, FreshFaces } from '../records/freshFaces.ts';
import type { Group } from '../records/groups.ts';
import type { Ledger } from '../records/ledger.ts';
import type { Candidate } from './candidates.ts';
import { similarFaces } from './similarFaces.ts';

/*
 * A face is known to Face's group only when a training covers it, which takes minutes in a large group. Until then it
 * is compared by the ID that its detection gave: no call more for the picture that is enrolled, one for each face
 * that is asked about and for each thousand of faces that wait for a training.
 *
 * The other way, a small group beside the large one that is trained within seconds, needs one more add and one more
 * delete for each picture: during an import half as many calls again.
 */

/** Faces that are compared, newest first: what an import at ten calls a second adds in ten minutes. */
export const freshFacesAtMost = 3_000;
/** Each face costs a call: the largest ones of a picture are compared. */
const askedAtMost = 10;

export type FreshQuery = { maxCandidates: number; confidenceThreshold?: number | undefined };

/** Adds persons by their fresh faces to faces that have fewer candidates than were asked for. */
export async function withFreshCandidates<Face extends { faceId: string; candidates: Candidate[] }>(
  options: { face: FaceClient; freshFaces: FreshFaces; ledger: Ledger },
  group: Group,
  lastSucceeded: number,
  faces: readonly Face[],
  query: FreshQuery,
): Promise<Face[]> {
  const open = faces
    .filter(({ candidates }) => candidates.length < query.maxCandidates)
    .slice(0, askedAtMost);
  if (open.length === 0) return [...faces];
  const fresh = await options.freshFaces.newest(group.group, lastSucceeded, freshFacesAtMost);
  if (fresh.length === 0) return [...faces];
  const byFaceId = new Map(fresh.map((face) => [face.faceId, face]));
  const found = await Promise.all(
    open.map(({ faceId }) => candidatesAmong(options, group, faceId, byFaceId, query)),
  );
  return faces.map((face) => {
    const more = found[open.indexOf(face)];
    return more === undefined ? face : { ...face, candidates: best(face.candidates, more, query) };
  });
}

async function candidatesAmong(
  { face, ledger }: { face: FaceClient; ledger: Ledger },
  group: Group,
  faceId: string,
  fresh: ReadonlyMap<string, FreshFace>,
  { maxCandidates, confidenceThreshold }: FreshQuery,
): Promise<Candidate[]> {
  const others = [...fresh.keys()].filter((other) => other !== faceId);
  // Without a threshold of ours, Face's own decides who is the same person.
  const mode = confidenceThreshold === undefined ? 'matchPerson' : 'matchFace';
  const similar = await similarFaces(face, faceId, others, {
    mode,
    // A person may have many fresh faces.
    maxCandidates: faceLimits.findSimilarFaceIds,
  });
  const candidates = new Map<string | undefined, Candidate>();
  for (const { faceId: match, confidence } of similar) {
    if (candidates.size === maxCandidates || confidence < (confidenceThreshold ?? 0)) break;
    const compared = fresh.get(match);
    if (candidates.has(compared?.ref.person)) continue;
    const person = await enrolledPerson(ledger, group, compared);
    if (person !== undefined) candidates.set(compared?.ref.person, { ...person, confidence });
  }
  return [...candidates.values()];
}

/** Only while the very picture is enrolled: it may have been removed or written again. */
async function enrolledPerson(ledger: Ledger, group: Group, fresh: FreshFace | undefined) {
  const picture = fresh && (await ledger.livingPicture(group, fresh.ref));
  if (picture?.state !== 'enrolled' || picture.version !== fresh?.version) return undefined;
  const { person, persisted } = picture;
  return person === undefined || persisted === undefined
    ? undefined
    : { person, personId: persisted.personId };
}

/** The best of each person, best first. */
function best(
  trained: readonly Candidate[],
  fresh: readonly Candidate[],
  { maxCandidates }: FreshQuery,
): Candidate[] {
  const byPerson = new Map<string, Candidate>();
  for (const candidate of [...trained, ...fresh].toSorted((a, b) => b.confidence - a.confidence)) {
    if (!byPerson.has(candidate.personId)) byPerson.set(candidate.personId, candidate);
  }
  return [...byPerson.values()].slice(0, maxCandidates);
}
