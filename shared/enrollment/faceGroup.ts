import { isFaceError, mayHaveTakenEffect } from '../face/errors.ts';
import { RollcallError, deferred } from '../errors/errors.ts';
import type { FaceClient } from '../face/client.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { LostFaces } from '../records/lostFaces.ts';

/** An instance that leases a group sends its call to Face within this time, or not at all. */
const actWithinMs = 20_000;
const comeBackMs = 1_000;
const deletedMeanwhile = 'The group was deleted meanwhile.';

/**
 * A deletion in Face that was not answered and may still take effect. A group that is created before then would be
 * deleted too, so the lease is kept until it runs out.
 */
class DeletionInDoubt extends RollcallError {
  constructor(retryAfterMs: number) {
    super('busy', undefined, { retryAfterMs });
  }
}

export type FaceGroups = ReturnType<typeof createFaceGroups>;

/**
 * Creates the group in Face for its first face and deletes the group in Face after its last. A lease (`leasedUntil`)
 * lets one instance at a time do so.
 */
export function createFaceGroups({
  groups,
  imageRecords,
  lostFaces,
  forgetTraining,
  face,
  callTimeoutMs,
  now,
}: FaceGroupsOptions) {
  // A call without an answer no longer takes effect after twice its time limit.
  const landedForSureMs = 2 * callTimeoutMs;
  /** Length of a lease: how long an instance may take to create or delete a group in Face before another may try. */
  const leaseMs = actWithinMs + landedForSureMs;

  /** Takes the lease. @throws RollcallError `busy` while another instance holds the lease */
  async function takeLease(name: string, change: (group: Group) => Group): Promise<Group> {
    let leased = false;
    const after = await groups.change(name, (group) => {
      leased = group !== undefined && (group.leasedUntil ?? 0) <= now();
      return leased && group !== undefined ? { ...change(group), leasedUntil: now() + leaseMs } : group;
    });
    if (after === undefined) throw new RollcallError('conflict', deletedMeanwhile);
    if (!leased) throw deferred(comeBackMs);
    return after;
  }

  /**
   * Ends the lease. A group that was deleted in the meantime has another epoch, and `change` is not applied to it.
   * `mayBeCreated`: a creation in Face was not answered; if the creation takes effect, it does so within the time of
   * the lease, which is kept as `createdInFaceUntil`.
   */
  async function release(
    name: string,
    { faceGroupEpoch, leasedUntil }: Group,
    change: (group: Group) => Group,
    mayBeCreated = false,
  ): Promise<Group> {
    const after = await groups.change(name, (group) => {
      if (group === undefined) return undefined;
      const { leasedUntil: leased, ...rest } =
        group.faceGroupEpoch === faceGroupEpoch ? change(group) : group;
      return {
        ...rest,
        ...(leased === undefined || leased === leasedUntil ? {} : { leasedUntil: leased }),
        ...(mayBeCreated && leasedUntil !== undefined ? { createdInFaceUntil: leasedUntil } : {}),
      };
    });
    if (after === undefined) throw new RollcallError('conflict', deletedMeanwhile);
    return after;
  }

  /** Ends the lease after a failure, except when a deletion is in doubt. The caller rethrows the error. */
  async function endLease(
    name: string,
    leased: Group,
    error: unknown,
    change = (group: Group): Group => group,
  ): Promise<void> {
    if (!(error instanceof DeletionInDoubt)) await release(name, leased, change);
  }

  /**
   * The lease has to outlast a call to Face, however late the call takes effect. The check fails when this instance has
   * stalled since it took the lease.
   * @throws RollcallError `busy`
   */
  function assertLeaseLasts({ leasedUntil = 0 }: Group): void {
    if (now() > leasedUntil - landedForSureMs) throw deferred(comeBackMs);
  }

  /**
   * Deletes the group in Face, under the lease. While an earlier creation may still take effect, the deletion is
   * deferred. A 404 counts as success.
   * @throws DeletionInDoubt
   */
  async function deleteInFace(leased: Group): Promise<void> {
    const { group: name, createdInFaceUntil = 0 } = leased;
    if (createdInFaceUntil > now()) throw deferred(createdInFaceUntil - now());
    assertLeaseLasts(leased);
    try {
      await face.deleteGroup(name);
    } catch (error) {
      if (isFaceError(error, 404)) return;
      if (!mayHaveTakenEffect(error)) throw error;
      throw new DeletionInDoubt(landedForSureMs);
    }
  }

  /**
   * Creates the group in Face. The call is not idempotent: an existing group is accepted if it has the wanted
   * recognition model.
   */
  async function createInFace({ group, recognitionModel }: Group): Promise<void> {
    try {
      await face.createGroup(group, recognitionModel);
    } catch (error) {
      if (!isFaceError(error, 409, 'LargePersonGroupExists')) throw error;
      const existing = await face.getGroup(group);
      if (existing.recognitionModel !== recognitionModel) {
        throw new RollcallError('recognition_model_mismatch', `Face has ${existing.recognitionModel}.`);
      }
    }
  }

  return {
    /** Returns the group, and creates it in Face if Face does not have it. */
    async ensure(name: string): Promise<Group> {
      const group = await groups.get(name);
      if (group === undefined) throw new RollcallError('conflict', deletedMeanwhile);
      if (group.inFace && (group.leasedUntil ?? 0) <= now()) return group;
      const leased = await takeLease(name, (current) => current);
      let isCreating = false;
      try {
        if (leased.isDeleted === true) throw new RollcallError('conflict', deletedMeanwhile);
        if (leased.isStaleInFace === true) {
          await deleteInFace(leased);
          await forgetTraining(name);
        }
        assertLeaseLasts(leased);
        isCreating = !leased.inFace;
        if (isCreating) await createInFace(leased);
      } catch (error) {
        if (isCreating && mayHaveTakenEffect(error)) await release(name, leased, (current) => current, true);
        else await endLease(name, leased, error);
        throw error;
      }
      const ensured = await release(name, leased, (current) => ({ ...notStale(current), inFace: true }));
      if (ensured.faceGroupEpoch !== leased.faceGroupEpoch)
        throw new RollcallError('conflict', deletedMeanwhile);
      return ensured;
    },

    /** Deletes in Face what an earlier generation of the group left there. True when there was something to delete. */
    async deleteStale(name: string): Promise<boolean> {
      if ((await groups.row(name))?.isStaleInFace !== true) return false;
      const leased = await takeLease(name, (current) => current);
      try {
        if (leased.isStaleInFace === true) {
          await deleteInFace(leased);
          await forgetTraining(name);
        }
      } catch (error) {
        await endLease(name, leased, error);
        throw error;
      }
      await release(name, leased, notStale);
      return true;
    },

    /**
     * Records that Face no longer has the group, because something other than Rollcall deleted it. The next face
     * creates the group in Face again, and the resync enrolls the images of the group again.
     */
    async lost(name: string, faceGroupEpoch: number): Promise<void> {
      await lostFaces.note(name);
      await groups.change(name, (group) =>
        group === undefined || group.faceGroupEpoch !== faceGroupEpoch
          ? group
          : { ...group, inFace: false, faceGroupEpoch: faceGroupEpoch + 1 },
      );
    },

    /**
     * Deletes the group in Face if no image of the group is enrolled or may become enrolled; the next face creates the
     * group in Face again. True when the group has nothing left to train.
     * The group epoch rises before the counts are read. A concurrent add has already been counted, so either it is seen
     * here or it sees the lease and retries.
     */
    async emptyIfNoFaceIsLeft(name: string): Promise<boolean> {
      // A deleted group is deleted in Face by its erasure.
      if ((await groups.get(name)) === undefined) return true;
      const leased = await takeLease(name, (group) => ({
        ...group,
        inFace: false,
        faceGroupEpoch: group.faceGroupEpoch + 1,
      }));
      const asBefore = (group: Group) => ({
        ...group,
        inFace: true,
        faceGroupEpoch: group.faceGroupEpoch - 1,
      });
      let empty: boolean;
      try {
        const { images } = await imageRecords.counts(name);
        empty = images.received + images.detected + images.enrolled === 0;
        if (empty) await deleteInFace(leased);
      } catch (error) {
        await endLease(name, leased, error, asBefore);
        throw error;
      }
      await release(name, leased, (group) => (empty ? group : asBefore(group)));
      return empty;
    },
  };
}

function notStale({ isStaleInFace: _isStaleInFace, ...group }: Group): Group {
  return group;
}

export type FaceGroupsOptions = {
  groups: Groups;
  imageRecords: ImageRecords;
  lostFaces: LostFaces;
  /** Clears the training of the group: Face no longer has the group, so nothing is trained or waits for a training. */
  forgetTraining: (group: string) => Promise<unknown>;
  face: FaceClient;
  /** Time limit of one call to Face. A call without an answer after twice this time no longer takes effect. */
  callTimeoutMs: number;
  now: () => number;
};
