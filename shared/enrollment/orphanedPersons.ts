import type { FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import type { FacePerson } from '../face/types.ts';
import type { Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import { createdAtOf } from './facePersons.ts';

/** A person in Face that is younger than this is not deleted, because the creation may still be recorded. */
const oldEnoughMs = 3_600_000;
const personsAtATime = 1_000;

export type OrphanedPersons = ReturnType<typeof createOrphanedPersons>;

/**
 * Deletes orphaned people: people in Face that no row names, because their creation was not answered or the process
 * ended before it recorded the creation. Orphaned people have no face and are never candidates, but count against the
 * limits of the plan. A person with a face, or one that Rollcall did not create, is kept.
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
    /**
     * Deletes the orphaned people among one page of the people of a group, sorted by ID. Resolves with the ID after
     * which the next page starts; undefined at the end.
     */
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
