import { randomUUID } from 'node:crypto';
import { RollcallError } from '../errors/errors.ts';
import type { FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import type { Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { LostFaces } from '../records/lostFaces.ts';
import type { FaceGroups } from './faceGroup.ts';

export type FacePersons = ReturnType<typeof createFacePersons>;

/** The persons as Face has them. Called within the session of the person, so one at a time. */
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
     * The person in Face, created if it is not there. A creation that was not answered leaves a person that no
     * row names and that has no face; another one is created under a new attempt, and the daily resync deletes the orphaned one.
     */
    async ensure(group: string, key: string): Promise<{ personId: string; faceGroupEpoch: number }> {
      const living = await faceGroups.ensure(group);
      const { faceGroupEpoch } = living;
      const person = await imageRecords.person(living, key);
      if (person === undefined) throw new RollcallError('conflict', 'The person was deleted meanwhile.');
      if (person.personId !== undefined && person.faceGroupEpoch === faceGroupEpoch) {
        return { personId: person.personId, faceGroupEpoch };
      }
      // Face's name of the person is a hash: names stay on our side.
      const personId = await face.createPerson(group, key, attemptAt(now()));
      await groups.nameFacePerson(group, personId, { key, person: person.person, faceGroupEpoch });
      let isNamed = false;
      await imageRecords.changePerson(group, key, (current) => {
        const isAsSeen =
          current.personId === person.personId && current.faceGroupEpoch === person.faceGroupEpoch;
        isNamed =
          (isAsSeen || current.personId === personId) &&
          current.life === person.life &&
          current.isDeleted !== true;
        return isNamed ? { ...current, personId, faceGroupEpoch } : current;
      });
      if (isNamed) return { personId, faceGroupEpoch };
      // Deleted meanwhile, or created by a session that holds the lock that we lost: nothing is created beside it.
      await groups.dropFacePerson(group, personId);
      await face.deletePerson(group, personId);
      throw new RollcallError('conflict', 'The person was created or deleted meanwhile.');
    },

    /** Face said 404 for the person or for the whole group: both are created anew at the next attempt. */
    async lost(group: string, key: string, faceGroupEpoch: number, error: unknown): Promise<void> {
      if (isFaceError(error, 404, 'LargePersonGroupNotFound')) await faceGroups.lost(group, faceGroupEpoch);
      else await lostFaces.note(group);
      await imageRecords.changePerson(
        group,
        key,
        ({ personId: _personId, faceGroupEpoch: _faceGroupEpoch, ...rest }) => rest,
      );
    },
  };
}

/** Told apart from other attempts, and old ones from young ones. */
function attemptAt(time: number): string {
  return `attempt ${time} ${randomUUID()}`;
}

/** When the person was created; undefined when it was not by us. Milliseconds since 1970. */
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
