import { faults } from '../faults.ts';
import { rounded, samePerson, type FaceContext, type Operation } from './operations.ts';
import { probeOf, refuseOtherModels, scopeOf } from './probes.ts';
import { readJson, readUuid } from '../http/requests.ts';

/** Two faces, or a face and a person as enrolled now, trained or not. */
export const verify: Operation = {
  name: 'verify',
  method: 'POST',
  path: '/verify',
  handle(context, request) {
    const body = readJson(request);
    const likeness = 'personId' in body ? againstPerson(context, body) : againstFace(context, body);
    const confidence = rounded(likeness);
    return { isIdentical: confidence >= samePerson, confidence };
  },
};

function againstFace(context: FaceContext, body: Record<string, unknown>): number {
  const [a, b] = [probeOf(context, body['faceId1'], 404), probeOf(context, body['faceId2'], 404)];
  refuseOtherModels([a, b]);
  return context.confidence(a.vector, b.vector, a.recognitionModel);
}

function againstPerson(context: FaceContext, body: Record<string, unknown>): number {
  const personId = readUuid(body['personId']);
  if (personId === undefined) throw faults.badArgument('Person ID is invalid.');
  const { collection } = scopeOf(context, body);
  const probe = probeOf(context, body['faceId'], 404);
  if (context.store.person(collection.key, personId) === undefined) throw faults.personNotFound(personId);
  refuseOtherModels([probe], collection.recognitionModel);
  const vectors = context.store.vectorsOf(collection.key, personId);
  if (vectors.length === 0) throw faults.noPersistedFace();
  return Math.max(
    ...vectors.map(({ vector }) => context.confidence(probe.vector, vector, collection.recognitionModel)),
  );
}
