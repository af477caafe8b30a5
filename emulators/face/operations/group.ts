import { samePerson, type Operation } from './operation.ts';
import type { YieldIfDue } from '../scheduling/timeSlices.ts';
import { loadProbes, readFaceIds, refuseOtherModels, type Probe } from './probes.ts';

export const group: Operation = {
  name: 'group',
  method: 'POST',
  path: '/group',
  async handle(context, { json }) {
    const faceIds = readFaceIds(json()['faceIds'], 2, 1_000);
    const yieldIfDue = context.startTimeSlices();
    const probes = await loadProbes(context, [...new Set(faceIds)], yieldIfDue);
    refuseOtherModels(probes);
    const alike = (a: Probe, b: Probe): boolean =>
      context.confidence(a.vector, b.vector, a.recognitionModel) >= samePerson;
    return clusterFaces(probes, alike, yieldIfDue);
  },
};

/** Groups of faces that are joined by a chain of alike faces, largest first; single faces form the messy group. */
async function clusterFaces(
  probes: readonly Probe[],
  alike: (a: Probe, b: Probe) => boolean,
  yieldIfDue: YieldIfDue,
) {
  const left = new Set(probes);
  const found: string[][] = [];
  for (const seed of probes) {
    if (!left.delete(seed)) continue;
    const members = [seed];
    for (const member of members) {
      await yieldIfDue();
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
