import { samePerson, type Operation } from './operations.ts';
import { probeOf, readFaceIds, refuseOtherModels, type Probe } from './probes.ts';
import { readJson } from './requests.ts';

export const group: Operation = {
  name: 'group',
  method: 'POST',
  path: '/group',
  handle(context, request) {
    const faceIds = readFaceIds(readJson(request)['faceIds'], 2, 1_000);
    const probes = [...new Set(faceIds)].map((faceId) => probeOf(context, faceId));
    refuseOtherModels(probes);
    return clusters(
      probes,
      (a, b) => context.confidence(a.vector, b.vector, a.recognitionModel) >= samePerson,
    );
  },
};

/** Faces that are joined by a chain of likenesses, largest group first; those without a counterpart are the messy group. */
function clusters(probes: readonly Probe[], alike: (a: Probe, b: Probe) => boolean) {
  const left = new Set(probes);
  const found: string[][] = [];
  for (const seed of probes) {
    if (!left.delete(seed)) continue;
    const members = [seed];
    for (const member of members) {
      for (const other of left) {
        if (!alike(member, other)) continue;
        left.delete(other);
        members.push(other);
      }
    }
    found.push(members.map(({ faceId }) => faceId));
  }
  return {
    groups: found.filter(({ length }) => length > 1).toSorted((a, b) => b.length - a.length),
    messyGroup: found.filter(({ length }) => length === 1).flat(),
  };
}
