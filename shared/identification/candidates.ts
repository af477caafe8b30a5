import type { IdentifyCandidate } from '../face/types.ts';
import { inParallel, readsAtOnce } from '../records/parallel.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';

export type Candidate = { person: string; personId: string; confidence: number };

/**
 * Turns the candidates of Face into persons, each looked up once an answer. Face answers from its last training and
 * may still know who is gone: a person is named only while a face of theirs stands for one of their pictures.
 */
export async function createCandidates(
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
