import { faults } from '../contract/faults.ts';
import { roundConfidence, samePerson, type Operation } from './operation.ts';
import { loadProbe, readFaceIds, readTop, refuseOtherModels, loadGroup } from './probes.ts';

function readThreshold(value: unknown = samePerson): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw faults.badArgument('The argument confidenceThreshold is not valid.');
}

/** Searches the faces of the last training, without those that were deleted since. */
export const identify: Operation = {
  name: 'identify',
  method: 'POST',
  path: '/identify',
  async handle(context, { json }) {
    const body = json();
    const faceIds = readFaceIds(body['faceIds'], 1, 10);
    const top = readTop(body['maxNumOfCandidatesReturned'], 10, 100);
    const threshold = readThreshold(body['confidenceThreshold']);
    const { kind, collection } = loadGroup(context, body);
    const { trainings, gallery } = context;
    if (kind.closedWhileTraining && trainings.isRunning(collection.key)) throw kind.faults.underTraining();
    if (!trainings.hasSucceeded(collection.key)) throw kind.faults.notTrained(400);
    const probes = faceIds.map((faceId) => loadProbe(context, faceId));
    const { recognitionModel } = collection;
    refuseOtherModels(probes, recognitionModel);
    const vectors = probes.map(({ vector }) => vector);
    const found = await gallery.identify(collection.key, vectors, { threshold, top, recognitionModel });
    return probes.map(({ faceId }, index) => ({
      faceId,
      candidates: (found[index] ?? []).map(({ personId, confidence }) => ({
        personId,
        confidence: roundConfidence(confidence),
      })),
    }));
  },
};
