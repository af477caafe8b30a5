import type { IdentifyCandidate } from '../face/types.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { Ledger } from '../records/ledger.ts';

export type Candidate = { person: string; personId: string; confidence: number };

/**
 * Turns the candidates of Face into persons. Face answers from its last training and may still know who is gone:
 * a person is named only while a picture of him is enrolled.
 */
export async function resolveCandidates(
  { groups, ledger }: { groups: Groups; ledger: Ledger },
  group: Group,
  candidates: readonly IdentifyCandidate[],
): Promise<Candidate[]> {
  const resolved = await Promise.all(
    candidates.map(async ({ personId, confidence }) => {
      const name = await groups.personOfFace(group.group, personId);
      const person = name && (await ledger.person(group, name.key));
      const enrolled = person !== undefined && person.personId === personId && person.images.enrolled > 0;
      return enrolled ? { person: person.person, personId, confidence } : undefined;
    }),
  );
  return resolved.filter((candidate) => candidate !== undefined);
}
