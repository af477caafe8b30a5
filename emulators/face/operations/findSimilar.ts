import { faults } from '../contract/faults.ts';
import { isCollectionId, kinds, type Kind } from './kinds.ts';
import { roundConfidence, samePerson, type FaceContext, type Operation } from './operation.ts';
import { loadProbe, loadProbes, readFaceIds, readTop, refuseOtherModels, type Probe } from './probes.ts';
import type { StoredCollection } from '../storage/store.ts';

type Similar = { confidence: number; faceId: string } | { confidence: number; persistedFaceId: string };

/** Finds the `top` faces that are most like the probe, of a confidence of `least` or more. */
type Search = (probe: Probe, least: number, top: number) => Similar[] | Promise<Similar[]>;

const lists = kinds.filter(({ holds }) => holds === 'faces');

export const findSimilar: Operation = {
  name: 'findSimilar',
  method: 'POST',
  path: '/findsimilars',
  handle(context, { json }) {
    const body = json();
    requireOneScope(body);
    const top = readTop(body['maxNumOfCandidatesReturned'], 20, 1_000);
    const { mode = 'matchPerson' } = body;
    if (mode !== 'matchPerson' && mode !== 'matchFace') throw faults.badArgument('Mode is invalid.');
    const search = chooseSearch(context, body);
    const probe = loadProbe(context, body['faceId']);
    return search(probe, mode === 'matchPerson' ? samePerson : 0, top);
  },
};

function requireOneScope(body: Record<string, unknown>): void {
  const given = ['faceIds', ...lists.map(({ idProperty }) => idProperty)].filter((name) => name in body);
  if (given.length === 0) {
    throw faults.badArgument('LargeFaceListId, faceListId and faceIds are all null.');
  }
  if (given.length > 1) {
    throw faults.badArgument('2 or more of largeFaceListId, faceListId and faceIds are not null.');
  }
}

function chooseSearch(context: FaceContext, body: Record<string, unknown>): Search {
  const kind = lists.find(({ idProperty }) => idProperty in body);
  if (kind === undefined) return searchDetected(context, readFaceIds(body['faceIds'], 1, 1_000));
  const id = body[kind.idProperty];
  if (!isCollectionId(id)) throw kind.faults.invalidId();
  const list = context.store.collection(kind.path, id);
  if (list === undefined) throw kind.faults.notFound(400);
  return kind.trained ? searchTrained(context, kind, list) : searchList(context, kind, list);
}

/** Searches detected faces. */
function searchDetected(context: FaceContext, faceIds: readonly unknown[]): Search {
  return async (probe, least, top) => {
    const others = await loadProbes(context, faceIds, context.startTimeSlices());
    refuseOtherModels([probe, ...others]);
    return rankFaces(context, probe, others, least, top).map(({ confidence, faceId }) => ({
      confidence,
      faceId,
    }));
  };
}

/** Searches the current faces of a face list. */
function searchList(context: FaceContext, kind: Kind, { key, recognitionModel }: StoredCollection): Search {
  return (probe, least, top) => {
    refuseOtherModels([probe], recognitionModel);
    const faces = context.store.vectors(key, null);
    if (faces.length === 0) throw kind.faults.notReady();
    return rankFaces(context, probe, faces, least, top).map(({ confidence, faceId: persistedFaceId }) => ({
      confidence,
      persistedFaceId,
    }));
  };
}

/** Searches a large face list as of its last training. */
function searchTrained(
  context: FaceContext,
  kind: Kind,
  { key, recognitionModel }: StoredCollection,
): Search {
  if (!context.trainings.hasSucceeded(key)) throw kind.faults.notTrained(400);
  return async (probe, threshold, top) => {
    refuseOtherModels([probe], recognitionModel);
    const options = { threshold, top, recognitionModel };
    const [found = []] = await context.gallery.identify(key, [probe.vector], options);
    return found.map(({ confidence, faceId: persistedFaceId }) => ({
      confidence: roundConfidence(confidence),
      persistedFaceId,
    }));
  };
}

function rankFaces<Face extends { vector: Float32Array; faceId: string }>(
  { confidence }: FaceContext,
  probe: Probe,
  faces: readonly Face[],
  least: number,
  top: number,
) {
  return faces
    .map(({ faceId, vector }) => ({
      faceId,
      confidence: roundConfidence(confidence(probe.vector, vector, probe.recognitionModel)),
    }))
    .filter((found) => found.confidence >= least)
    .toSorted((a, b) => b.confidence - a.confidence)
    .slice(0, top);
}
