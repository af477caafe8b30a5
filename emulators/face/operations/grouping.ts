import { samePerson, type Operation } from './operations.ts';
import type { Pause } from '../scheduling/pauses.ts';
import { probesOf, readFaceIds, refuseOtherModels, type Probe } from './probes.ts';
import { readJson } from '../http/requests.ts';

export const group: Operation = {
  name: 'group',
  method: 'POST',
  path: '/group',
  async handle(context, request) {
    const faceIds = readFaceIds(readJson(request)['faceIds'], 2, 1_000);
    const pause = context.pauses();
    const probes = await probesOf(context, [...new Set(faceIds)], pause);
    refuseOtherModels(probes);
    const alike = (a: Probe, b: Probe): boolean =>
      context.confidence(a.vector, b.vector, a.recognitionModel) >= samePerson;
    return clusters(probes, alike, pause);
  },
};

/** Faces that are joined by a chain of likenesses, largest group first; those without a counterpart are the messy group. */
async function clusters(probes: readonly Probe[], alike: (a: Probe, b: Probe) => boolean, pause: Pause) {
  const left = new Set(probes);
  const found: string[][] = [];
  for (const seed of probes) {
    if (!left.delete(seed)) continue;
    const members = [seed];
    for (const member of members) {
      await pause();
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
