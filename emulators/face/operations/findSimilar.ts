import { faults } from '../faults.ts';
import { isCollectionId, kinds, type Kind } from './kinds.ts';
import { rounded, samePerson, type FaceContext, type Operation } from './operations.ts';
import { probeOf, probesOf, readFaceIds, readTop, refuseOtherModels, type Probe } from './probes.ts';
import { readJson } from '../http/requests.ts';
import type { StoredCollection } from '../storage/store.ts';

type Similar = { confidence: number; faceId: string } | { confidence: number; persistedFaceId: string };

/** Asks one of the things that can be searched for those that are at least so much alike, at most so many. */
type Search = (probe: Probe, least: number, top: number) => Similar[] | Promise<Similar[]>;

const lists = kinds.filter(({ holds }) => holds === 'faces');

export const findSimilar: Operation = {
  name: 'findSimilar',
  method: 'POST',
  path: '/findsimilars',
  handle(context, request) {
    const body = readJson(request);
    refuseOtherThanOne(body);
    const top = readTop(body['maxNumOfCandidatesReturned'], 20, 1_000);
    const { mode = 'matchPerson' } = body;
    if (mode !== 'matchPerson' && mode !== 'matchFace') throw faults.badArgument('Mode is invalid.');
    const search = searchOf(context, body);
    const probe = probeOf(context, body['faceId']);
    return search(probe, mode === 'matchPerson' ? samePerson : 0, top);
  },
};

function refuseOtherThanOne(body: Record<string, unknown>): void {
  const given = ['faceIds', ...lists.map(({ idProperty }) => idProperty)].filter((name) => name in body);
  if (given.length === 0) {
    throw faults.badArgument('LargeFaceListId, faceListId and faceIds are all null.');
  }
  if (given.length > 1) {
    throw faults.badArgument('2 or more of largeFaceListId, faceListId and faceIds are not null.');
  }
}

function searchOf(context: FaceContext, body: Record<string, unknown>): Search {
  const kind = lists.find(({ idProperty }) => idProperty in body);
  if (kind === undefined) return amongFaces(context, readFaceIds(body['faceIds'], 1, 1_000));
  const id = body[kind.idProperty];
  if (!isCollectionId(id)) throw kind.faults.invalidId();
  const list = context.store.collection(kind.path, id);
  if (list === undefined) throw kind.faults.notFound(400);
  return kind.trained ? amongTrained(context, kind, list) : amongListed(context, kind, list);
}

/** Faces that were detected. */
function amongFaces(context: FaceContext, faceIds: readonly unknown[]): Search {
  return async (probe, least, top) => {
    const others = await probesOf(context, faceIds, context.pauses());
    refuseOtherModels([probe, ...others]);
    return best(context, probe, others, least, top).map(({ confidence, faceId }) => ({ confidence, faceId }));
  };
}

/** A face list, as it is now. */
function amongListed(context: FaceContext, kind: Kind, { key, recognitionModel }: StoredCollection): Search {
  return (probe, least, top) => {
    refuseOtherModels([probe], recognitionModel);
    const faces = context.store.vectorsOf(key, null);
    if (faces.length === 0) throw kind.faults.notReady();
    return best(context, probe, faces, least, top).map(({ confidence, faceId: persistedFaceId }) => ({
      confidence,
      persistedFaceId,
    }));
  };
}

/** A large face list, as it was trained last. */
function amongTrained(context: FaceContext, kind: Kind, { key, recognitionModel }: StoredCollection): Search {
  if (!context.trainings.hasSucceeded(key)) throw kind.faults.notTrained(400);
  return async (probe, threshold, top) => {
    refuseOtherModels([probe], recognitionModel);
    const options = { threshold, top, recognitionModel };
    const [found = []] = await context.gallery.identify(key, [probe.vector], options);
    return found.map(({ confidence, faceId: persistedFaceId }) => ({
      confidence: rounded(confidence),
      persistedFaceId,
    }));
  };
}

function best<Face extends { vector: Float32Array; faceId: string }>(
  { confidence }: FaceContext,
  probe: Probe,
  faces: readonly Face[],
  least: number,
  top: number,
) {
  return faces
    .map(({ faceId, vector }) => ({
      faceId,
      confidence: rounded(confidence(probe.vector, vector, probe.recognitionModel)),
    }))
    .filter((found) => found.confidence >= least)
    .toSorted((a, b) => b.confidence - a.confidence)
    .slice(0, top);
}
