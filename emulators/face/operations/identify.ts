import { faults } from '../faults.ts';
import { rounded, samePerson, type Operation } from './operations.ts';
import { probeOf, readFaceIds, readTop, refuseOtherModels, scopeOf } from './probes.ts';
import { readJson } from '../http/requests.ts';

function readThreshold(value: unknown = samePerson): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw faults.badArgument('The argument confidenceThreshold is not valid.');
}

/** Against what was trained last: who was added since is not seen, who was deleted since is gone. */
export const identify: Operation = {
  name: 'identify',
  method: 'POST',
  path: '/identify',
  async handle(context, request) {
    const body = readJson(request);
    const faceIds = readFaceIds(body['faceIds'], 1, 10);
    const top = readTop(body['maxNumOfCandidatesReturned'], 10, 100);
    const threshold = readThreshold(body['confidenceThreshold']);
    const { kind, collection } = scopeOf(context, body);
    const { trainings, gallery } = context;
    if (kind.closedWhileTraining && trainings.isRunning(collection.key)) throw kind.faults.underTraining();
    if (!trainings.hasSucceeded(collection.key)) throw kind.faults.notTrained(400);
    const probes = faceIds.map((faceId) => probeOf(context, faceId));
    const { recognitionModel } = collection;
    refuseOtherModels(probes, recognitionModel);
    const vectors = probes.map(({ vector }) => vector);
    const found = await gallery.identify(collection.key, vectors, { threshold, top, recognitionModel });
    return probes.map(({ faceId }, index) => ({
      faceId,
      candidates: (found[index] ?? []).map(({ personId, confidence }) => ({
        personId,
        confidence: rounded(confidence),
      })),
    }));
  },
};
