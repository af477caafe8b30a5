import type { IdentifyCandidate } from '../face/types.ts';
import { inParallel, readsAtOnce } from '../records/parallel.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';

export type Candidate = { person: string; personId: string; confidence: number };

/**
 * Resolves the candidates of Face to people, with one look-up per person and answer. Face answers from its last
 * training and may still return a deleted person: a person is named only while Face holds a face for one of the
 * person's images.
 */
export async function loadCandidates(
  { groups, imageRecords }: { groups: Groups; imageRecords: ImageRecords },
  group: Group,
  found: readonly IdentifyCandidate[],
): Promise<(candidates: readonly IdentifyCandidate[]) => Candidate[]> {
  const personIds = [...new Set(found.map(({ personId }) => personId))];
  const names = await inParallel(personIds, readsAtOnce, async (personId) => {
    const name = await groups.personOfFace(group.group, personId);
    const person = name && (await imageRecords.person(group, name.key));
    const isKnown = person !== undefined && person.personId === personId && person.faces > 0;
    return [personId, isKnown ? person.person : undefined] as const;
  });
  const byId = new Map(names);
  return (candidates) =>
    candidates.flatMap(({ personId, confidence }) => {
      const person = byId.get(personId);
      return person === undefined ? [] : [{ person, personId, confidence }];
    });
}
