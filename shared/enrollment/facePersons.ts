import { randomUUID } from 'node:crypto';
import { RollcallError } from '../errors/errors.ts';
import type { FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { ImageRecords, Person } from '../records/imageRecords.ts';
import type { LostFaces } from '../records/lostFaces.ts';
import type { FaceGroups } from './faceGroup.ts';

/** The group and the person of an image, as just read: both exist, in the generation of the image. */
export type Owner = { group: Group; person: Person };

/** A person in Face, and the group epoch in which Face has the person. */
export type InFace = { personId: string; faceGroupEpoch: number };

export type FacePersons = ReturnType<typeof createFacePersons>;

/** The people of a group in Face. Calls for one person are made within the session of that person, so one at a time. */
export function createFacePersons({
  imageRecords,
  groups,
  faceGroups,
  lostFaces,
  face,
  now,
}: FacePersonsOptions) {
  return {
    /**
     * Returns the person in Face, and creates the person if there is none. A creation without an answer may leave an
     * orphaned person in Face, which no row names and which has no face. The next attempt creates another person, and
     * the daily resync deletes the orphaned one.
     */
    async ensure({ group: row, person }: Owner): Promise<InFace> {
      const { faceGroupEpoch } = await faceGroups.ensure(row);
      const { group, key } = person;
      if (person.personId !== undefined && person.faceGroupEpoch === faceGroupEpoch) {
        return { personId: person.personId, faceGroupEpoch };
      }
      // The name that Face gets is the key of the person, a hash: real names are not sent to Face.
      const personId = await face.createPerson(group, key, attemptAt(now()));
      await groups.nameFacePerson(group, personId, { key, person: person.person, faceGroupEpoch });
      let isNamed = false;
      await imageRecords.changePerson(group, key, (current) => {
        const isAsSeen =
          current.personId === person.personId && current.faceGroupEpoch === person.faceGroupEpoch;
        isNamed =
          (isAsSeen || current.personId === personId) &&
          current.generation === person.generation &&
          current.isDeleted !== true;
        return isNamed ? { ...current, personId, faceGroupEpoch } : current;
      });
      if (isNamed) return { personId, faceGroupEpoch };
      // The person was deleted in the meantime, or another worker took over the session lock and created the person:
      // the duplicate that was just created in Face is deleted again.
      await groups.dropFacePerson(group, personId);
      await face.deletePerson(group, personId);
      throw new RollcallError('conflict', 'The person was created or deleted meanwhile.');
    },

    /** Records that Face answered 404 for the person or for the whole group: the next attempt creates them again. */
    async lost(
      group: string,
      key: string,
      { personId, faceGroupEpoch }: InFace,
      error: unknown,
    ): Promise<void> {
      if (isFaceError(error, 404, 'LargePersonGroupNotFound')) await faceGroups.lost(group, faceGroupEpoch);
      else await lostFaces.note(group);
      await imageRecords.changePerson(group, key, (current) => {
        // Another worker may have created the person again since.
        if (current.personId !== personId) return current;
        const { personId: _personId, faceGroupEpoch: _faceGroupEpoch, ...rest } = current;
        return rest;
      });
    },
  };
}

/** `userData` of a created person: unique for each attempt, and with the time of the attempt for `createdAtOf`. */
function attemptAt(time: number): string {
  return `attempt ${time} ${randomUUID()}`;
}

/** When Rollcall created the person, in milliseconds since 1970; undefined when Rollcall did not create the person. */
export function createdAtOf(userData: string | undefined): number | undefined {
  const time = /^attempt (\d+) /.exec(userData ?? '')?.[1];
  return time === undefined ? undefined : Number(time);
}

export type FacePersonsOptions = {
  imageRecords: ImageRecords;
  groups: Groups;
  faceGroups: FaceGroups;
  lostFaces: LostFaces;
  face: FaceClient;
  now: () => number;
};
