import type { FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import type { FacePerson } from '../face/types.ts';
import type { Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import { createdAtOf } from './facePersons.ts';

/** A creation that is younger may still be recorded. */
const oldEnoughMs = 3_600_000;
const personsAtATime = 1_000;

export type OrphanedPersons = ReturnType<typeof createOrphanedPersons>;

/**
 * Persons in Face that no row names: their creation was not answered, or nobody lived to record it. They have no face
 * and are no candidates, but count against the plan. A person that has a face or that we did not create stays.
 */
export function createOrphanedPersons({ groups, imageRecords, face, now }: OrphanedPersonsOptions) {
  async function isOrphaned(group: string, { personId, userData, persistedFaceIds = [] }: FacePerson) {
    const createdAt = createdAtOf(userData);
    if (createdAt === undefined || createdAt > now() - oldEnoughMs || persistedFaceIds.length > 0)
      return false;
    const named = await groups.personOfFace(group, personId);
    const person = named && (await imageRecords.personRow(group, named.key));
    return person?.personId !== personId && person?.erasures?.personIds.includes(personId) !== true;
  }

  return {
    /** Deletes orphans among the next persons of a group, by ID. Resolves with where to go on; undefined at the end. */
    async deleteSome(group: string, after: string | undefined): Promise<string | undefined> {
      const persons = await face.listPersons(group, { top: personsAtATime, start: after }).catch(noneIfLost);
      for (const person of persons) {
        if (!(await isOrphaned(group, person))) continue;
        await face.deletePerson(group, person.personId).catch((error: unknown) => {
          if (!isFaceError(error, 404)) throw error;
        });
        await groups.dropFacePerson(group, person.personId);
      }
      return persons.length < personsAtATime ? undefined : persons.at(-1)?.personId;
    },
  };
}

function noneIfLost(error: unknown): FacePerson[] {
  if (isFaceError(error, 404)) return [];
  throw error;
}

export type OrphanedPersonsOptions = {
  groups: Groups;
  imageRecords: ImageRecords;
  face: FaceClient;
  now: () => number;
};
