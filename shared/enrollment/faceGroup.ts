import { deferred, RollcallError } from '../errors/errors.ts';
import type { FaceClient } from '../face/client.ts';
import { isFaceError, mayHaveTakenEffect } from '../face/errors.ts';
import { isWithoutFaces } from '../records/counters.ts';
import type { Group } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { LostFaces } from '../records/lostFaces.ts';
import {
  deletedMeanwhile,
  DeletionInDoubt,
  endLease,
  releaseLease,
  sendBefore,
  takeLease,
  type LeaseOptions,
} from './faceGroupLease.ts';

export type FaceGroupsOptions = LeaseOptions & {
  imageRecords: ImageRecords;
  lostFaces: LostFaces;
  /** Clears the training of the group: Face no longer has the group, so nothing is trained or waits for a training. */
  forgetTraining: (group: string) => Promise<unknown>;
  face: FaceClient;
};

export type FaceGroups = ReturnType<typeof createFaceGroups>;

/**
 * Creates the group in Face for its first face and deletes the group in Face after its last. A lease (`leasedUntil`)
 * lets one instance at a time do so.
 */
export function createFaceGroups(options: FaceGroupsOptions) {
  return {
    /** Returns the group, and creates it in Face if Face does not have it. `group`: the row as just read. */
    ensure: (group: Group): Promise<Group> => ensure(options, group),

    /** Deletes in Face what an earlier generation of the group left there. */
    deleteStale: (name: string): Promise<void> => deleteStale(options, name),

    /**
     * Records that Face no longer has the group, because something other than Rollcall deleted it. The next face
     * creates the group in Face again, and the resync enrolls the images of the group again.
     */
    async lost(name: string, faceGroupEpoch: number): Promise<void> {
      await options.lostFaces.note(name);
      await options.groups.change(name, (group) =>
        group === undefined || group.faceGroupEpoch !== faceGroupEpoch
          ? group
          : { ...group, inFace: false, faceGroupEpoch: faceGroupEpoch + 1 },
      );
    },

    /**
     * Deletes the group in Face if no image of the group has a face there or may get one; the next face creates the
     * group in Face again. True when the group has nothing left to train.
     */
    emptyIfNoFaceIsLeft: (name: string): Promise<boolean> => emptyIfNoFaceIsLeft(options, name),
  };
}

async function ensure(options: FaceGroupsOptions, group: Group): Promise<Group> {
  if (group.inFace && (group.leasedUntil ?? 0) <= options.now()) return group;
  const leased = await takeLease(options, group.group);
  let isCreating = false;
  try {
    if (leased.isDeleted === true) throw deletedMeanwhile();
    await deleteIfStale(options, leased);
    isCreating = !leased.inFace;
    if (isCreating) await createInFace(options, leased);
  } catch (error) {
    if (isCreating && mayHaveTakenEffect(error))
      await releaseLease(options, leased, (current) => current, true);
    else await endLease(options, leased, error);
    throw error;
  }
  const ensured = await releaseLease(options, leased, (current) => ({ ...notStale(current), inFace: true }));
  if (ensured.faceGroupEpoch !== leased.faceGroupEpoch) throw deletedMeanwhile();
  return ensured;
}

async function deleteStale(options: FaceGroupsOptions, name: string): Promise<void> {
  if ((await options.groups.row(name))?.isStaleInFace !== true) return;
  const leased = await takeLease(options, name);
  try {
    await deleteIfStale(options, leased);
  } catch (error) {
    await endLease(options, leased, error);
    throw error;
  }
  await releaseLease(options, leased, notStale);
}

/**
 * The group epoch rises before the counts are read. A concurrent add has already been counted, so either it is seen here
 * or it sees the lease and retries.
 */
async function emptyIfNoFaceIsLeft(options: FaceGroupsOptions, name: string): Promise<boolean> {
  // A deleted group is deleted in Face by its erasure.
  if ((await options.groups.get(name)) === undefined) return true;
  const leased = await takeLease(options, name, (group) => ({
    ...group,
    inFace: false,
    faceGroupEpoch: group.faceGroupEpoch + 1,
  }));
  const asBefore = (group: Group) => ({ ...group, inFace: true, faceGroupEpoch: group.faceGroupEpoch - 1 });
  let isEmpty: boolean;
  try {
    isEmpty = isWithoutFaces(await options.imageRecords.counts(name));
    if (isEmpty) await deleteInFace(options, leased);
  } catch (error) {
    await endLease(options, leased, error, asBefore);
    throw error;
  }
  await releaseLease(options, leased, (group) => (isEmpty ? group : asBefore(group)));
  return isEmpty;
}

async function deleteIfStale(options: FaceGroupsOptions, leased: Group): Promise<void> {
  if (leased.isStaleInFace !== true) return;
  await deleteInFace(options, leased);
  await options.forgetTraining(leased.group);
}

/**
 * Deletes the group in Face, under the lease. While an earlier creation may still take effect, the deletion is deferred.
 * A 404 counts as success.
 * @throws DeletionInDoubt
 */
async function deleteInFace(options: FaceGroupsOptions, leased: Group): Promise<void> {
  const { group: name, createdInFaceUntil = 0 } = leased;
  const now = options.now();
  if (createdInFaceUntil > now) throw deferred(createdInFaceUntil - now);
  try {
    await options.face.deleteGroup(name, sendBefore(options, leased));
  } catch (error) {
    if (isFaceError(error, 404)) return;
    if (!mayHaveTakenEffect(error)) throw error;
    throw new DeletionInDoubt(options);
  }
}

/**
 * Creates the group in Face. The call is not idempotent: an existing group is accepted if it has the wanted recognition
 * model.
 */
async function createInFace(options: FaceGroupsOptions, leased: Group): Promise<void> {
  const { face } = options;
  const { group, recognitionModel } = leased;
  try {
    await face.createGroup(group, recognitionModel, sendBefore(options, leased));
  } catch (error) {
    if (!isFaceError(error, 409, 'LargePersonGroupExists')) throw error;
    const existing = await face.getGroup(group);
    if (existing.recognitionModel !== recognitionModel)
      throw new RollcallError('recognition_model_mismatch', `Face has ${existing.recognitionModel}.`);
  }
}

function notStale({ isStaleInFace: _isStaleInFace, ...group }: Group): Group {
  return group;
}
