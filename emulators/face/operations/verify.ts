import { faults } from '../contract/faults.ts';
import { roundConfidence, samePerson, type FaceContext, type Operation } from './operation.ts';
import { loadProbe, refuseOtherModels, loadGroup } from './probes.ts';
import { readUuid } from './parameters.ts';

/** Compares two detected faces, or a detected face with all current faces of a person, trained or not. */
export const verify: Operation = {
  name: 'verify',
  method: 'POST',
  path: '/verify',
  handle(context, { json }) {
    const body = json();
    const likeness = 'personId' in body ? compareWithPerson(context, body) : compareFaces(context, body);
    const confidence = roundConfidence(likeness);
    return { isIdentical: confidence >= samePerson, confidence };
  },
};

function compareFaces(context: FaceContext, body: Record<string, unknown>): number {
  const [a, b] = [loadProbe(context, body['faceId1'], 404), loadProbe(context, body['faceId2'], 404)];
  refuseOtherModels([a, b]);
  return context.confidence(a.vector, b.vector, a.recognitionModel);
}

function compareWithPerson(context: FaceContext, body: Record<string, unknown>): number {
  const personId = readUuid(body['personId']);
  if (personId === undefined) throw faults.badArgument('Person ID is invalid.');
  const { collection } = loadGroup(context, body);
  const probe = loadProbe(context, body['faceId'], 404);
  if (context.store.person(collection.key, personId) === undefined) throw faults.personNotFound(personId);
  refuseOtherModels([probe], collection.recognitionModel);
  const vectors = context.store.vectors(collection.key, personId);
  if (vectors.length === 0) throw faults.noPersistedFace();
  return Math.max(
    ...vectors.map(({ vector }) => context.confidence(probe.vector, vector, collection.recognitionModel)),
  );
}
