import { FaceFault, faults } from './faults.ts';
import { rounded, samePerson, type Operation } from './operations.ts';
import { probeOf, readFaceIds, readTop, refuseOtherModels } from './probes.ts';
import { readJson } from './requests.ts';

/** What can be searched; in this version no list exists, so none is found. */
function refuseOtherTargets(body: Record<string, unknown>): void {
  const given = ['faceIds', 'faceListId', 'largeFaceListId'].filter((name) => body[name] !== undefined);
  if (given.length === 0) {
    throw faults.badArgument('LargeFaceListId, faceListId and faceIds are all null.');
  }
  if (given.length > 1) {
    throw faults.badArgument('2 or more of largeFaceListId, faceListId and faceIds are not null.');
  }
  if (given[0] === 'faceListId') throw new FaceFault(400, 'FaceListNotFound', 'Face list is not found.');
  if (given[0] === 'largeFaceListId') {
    throw new FaceFault(400, 'LargeFaceListNotFound', 'Large face list is not found.');
  }
}

export const findSimilar: Operation = {
  name: 'findSimilar',
  method: 'POST',
  path: '/findsimilars',
  handle(context, request) {
    const body = readJson(request);
    refuseOtherTargets(body);
    const faceIds = readFaceIds(body['faceIds'], 1, 1_000);
    const top = readTop(body['maxNumOfCandidatesReturned'], 20, 1_000);
    const { mode = 'matchPerson' } = body;
    if (mode !== 'matchPerson' && mode !== 'matchFace') throw faults.badArgument('Mode is invalid.');
    const probe = probeOf(context, body['faceId']);
    const others = faceIds.map((faceId) => probeOf(context, faceId));
    refuseOtherModels([probe, ...others]);
    const least = mode === 'matchPerson' ? samePerson : 0;
    return others
      .map(({ faceId, vector }) => ({
        confidence: rounded(context.confidence(probe.vector, vector, probe.recognitionModel)),
        faceId,
      }))
      .filter(({ confidence }) => confidence >= least)
      .toSorted((a, b) => b.confidence - a.confidence)
      .slice(0, top);
  },
};
