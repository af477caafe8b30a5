import type { PersonKey } from '../messages/workQueues.ts';
import type { Erasure } from '../records/erasure.ts';
import type { Group } from '../records/groups.ts';
import { retryOnConflict } from '../records/table.ts';
import { eraseGroup } from './eraseGroup.ts';
import { erasePerson } from './erasePerson.ts';
import type { EraseOptions } from './options.ts';
import { remind } from './remind.ts';
import { deleteGroup, deletePerson } from './requests.ts';

export type Erase = ReturnType<typeof createErase>;

/**
 * Deletes groups and people completely: blobs, faces in Face, rows, face IDs, results.
 *
 * A request raises the generation of the group or person in one write: from then on no answer names the group or
 * person, and work of the earlier generation ends without creating anything. The data of the earlier generation is
 * erased in steps that can be repeated and can go on in any instance. The steps of a person run within the session of
 * that person, as the adds of faces do, so no face is added during the erasure. All steps run in two passes. For a
 * person, a training that began after the faces were deleted must then have succeeded. The record of the erasure is
 * kept, without a name, as the proof of the deletion.
 */
export function createErase(options: EraseOptions) {
  return {
    /**
     * `condition` may throw to reject the deletion. With a `condition`, only the settings version that the condition
     * saw is deleted.
     * @throws RollcallError group_not_found, precondition_failed
     */
    deleteGroup: (name: string, condition?: (group: Group | undefined) => void): Promise<Erasure> =>
      retryOnConflict(() => deleteGroup(options, name, condition)),

    /** @throws RollcallError group_not_found, person_not_found */
    deletePerson: (name: string, key: string, withProbes = false): Promise<Erasure> =>
      retryOnConflict(() => deletePerson(options, name, key, withProbes)),

    erasePerson: (key: PersonKey): Promise<number> => erasePerson(options, key),
    eraseGroup: (name: string): Promise<void> => eraseGroup(options, name),
    remind: (after?: string): Promise<string | undefined> => remind(options, after),
  };
}
