import { faults } from './faults.ts';
import { rounded, type FaceContext, type Operation } from './operations.ts';
import { parseJson } from './pictures.ts';
import type { StoredDetection, StoredGroup } from './store.ts';

/** The internal threshold of identify and of matchPerson: that of verify. */
const samePerson = 0.5;

function detected({ store, now }: FaceContext, faceId: unknown, status: 400 | 404 = 400): StoredDetection {
  if (typeof faceId !== 'string') throw faults.badArgument('Face ID is invalid.');
  const found = store.detection(faceId, now());
  if (found === undefined) throw faults.faceNotFound(status);
  return found;
}

function readFaceIds(value: unknown, least: number, most: number): string[] {
  if (!Array.isArray(value) || value.length < least || value.length > most) {
    throw faults.badArgument('The length of faceIds is not in a valid range.');
  }
  if (value.some((item) => typeof item !== 'string')) throw faults.body();
  return value as string[];
}

function readNumber(
  value: unknown,
  otherwise: number,
  isValid: (value: number) => boolean,
  name: string,
): number {
  if (value === undefined || value === null) return otherwise;
  if (typeof value === 'number' && isValid(value)) return value;
  throw faults.badArgument(`The argument ${name} is not valid.`);
}

function readTop(value: unknown, otherwise: number, most: number): number {
  const isValid = (top: number) => Number.isInteger(top) && top >= 1 && top <= most;
  return readNumber(value, otherwise, isValid, 'maxNumOfCandidatesReturned');
}

function groupOf({ store }: FaceContext, id: unknown): StoredGroup {
  if (typeof id !== 'string') throw faults.badArgument('Large person group ID is invalid.');
  const group = store.group(id);
  if (group === undefined) throw faults.groupNotFound(400);
  return group;
}

export const recognitionOperations: Operation[] = [
  {
    name: 'identify',
    method: 'POST',
    path: '/identify',
    handle(context, request) {
      const body = parseJson(request.body);
      const faceIds = readFaceIds(body['faceIds'], 1, 10);
      const top = readTop(body['maxNumOfCandidatesReturned'], 10, 100);
      const inRange = (value: number) => value >= 0 && value <= 1;
      const threshold = readNumber(body['confidenceThreshold'], samePerson, inRange, 'confidenceThreshold');
      const group = groupOf(context, body['largePersonGroupId']);
      if ((context.store.training(group.id)?.lastSuccessAt ?? null) === null) throw faults.notTrained(400);
      const probes = faceIds.map((faceId) => ({ faceId, ...detected(context, faceId) }));
      if (probes.some(({ recognitionModel }) => recognitionModel !== group.recognitionModel)) {
        throw faults.incompatibleModel();
      }
      return probes.map(({ faceId, vector }) => ({
        faceId,
        candidates: context.gallery
          .identify(group.id, vector, threshold, top)
          .map(({ personId, confidence }) => ({ personId, confidence: rounded(confidence) })),
      }));
    },
  },
  {
    name: 'findSimilar',
    method: 'POST',
    path: '/findsimilars',
    handle(context, request) {
      const body = parseJson(request.body);
      if (body['faceListId'] !== undefined || body['largeFaceListId'] !== undefined) {
        throw faults.badArgument('Face lists are not supported by this service.');
      }
      const faceIds = readFaceIds(body['faceIds'], 1, 1_000);
      const top = readTop(body['maxNumOfCandidatesReturned'], 20, 1_000);
      const { mode = 'matchPerson' } = body;
      if (mode !== 'matchPerson' && mode !== 'matchFace') throw faults.badArgument('Mode is invalid.');
      const probe = detected(context, body['faceId']);
      const others = faceIds.map((faceId) => ({ faceId, ...detected(context, faceId) }));
      if (others.some(({ recognitionModel }) => recognitionModel !== probe.recognitionModel)) {
        throw faults.incompatibleModel();
      }
      const least = mode === 'matchPerson' ? samePerson : 0;
      return others
        .map(({ faceId, vector }) => ({
          faceId,
          confidence: rounded(context.vision.confidence(probe.vector, vector)),
        }))
        .filter(({ confidence }) => confidence >= least)
        .toSorted((a, b) => b.confidence - a.confidence)
        .slice(0, top);
    },
  },
  {
    name: 'group',
    method: 'POST',
    path: '/group',
    handle(context, request) {
      const faceIds = readFaceIds(parseJson(request.body)['faceIds'], 2, 1_000);
      const faces = faceIds.map((faceId) => ({ faceId, ...detected(context, faceId) }));
      if (new Set(faces.map(({ recognitionModel }) => recognitionModel)).size > 1)
        throw faults.incompatibleModel();
      return clusters(faces, (a, b) => context.vision.confidence(a.vector, b.vector) >= samePerson);
    },
  },
  {
    name: 'verify',
    method: 'POST',
    path: '/verify',
    handle(context, request) {
      const body = parseJson(request.body);
      const confidence = rounded(
        'personId' in body ? againstPerson(context, body) : againstFace(context, body),
      );
      return { isIdentical: confidence >= samePerson, confidence };
    },
  },
];

function againstFace(context: FaceContext, body: Record<string, unknown>): number {
  const [a, b] = [detected(context, body['faceId1'], 404), detected(context, body['faceId2'], 404)];
  if (a.recognitionModel !== b.recognitionModel) throw faults.incompatibleModel();
  return context.vision.confidence(a.vector, b.vector);
}

function againstPerson(context: FaceContext, body: Record<string, unknown>): number {
  const probe = detected(context, body['faceId'], 404);
  const group = groupOf(context, body['largePersonGroupId']);
  const personId = String(body['personId']);
  if (context.store.person(group.id, personId) === undefined) throw faults.personNotFound(personId);
  if (probe.recognitionModel !== group.recognitionModel) throw faults.incompatibleModel();
  const faces = context.store.vectorsOfPerson(group.id, personId);
  if (faces.length === 0) throw faults.noPersistedFace();
  return Math.max(...faces.map(({ vector }) => context.vision.confidence(probe.vector, vector)));
}

/** Faces that are joined by a chain of likenesses; those without a counterpart are the messy group. */
function clusters<Face extends { faceId: string }>(
  faces: readonly Face[],
  alike: (a: Face, b: Face) => boolean,
) {
  const left = new Set(faces);
  const groups: string[][] = [];
  for (const seed of faces) {
    if (!left.delete(seed)) continue;
    const members = [seed];
    for (const member of members) {
      for (const other of left) {
        if (!alike(member, other)) continue;
        left.delete(other);
        members.push(other);
      }
    }
    groups.push(members.map(({ faceId }) => faceId));
  }
  const together = groups.filter(({ length }) => length > 1).toSorted((a, b) => b.length - a.length);
  return { groups: together, messyGroup: groups.filter(({ length }) => length === 1).flat() };
}
