import { isFaceError, mayHaveTakenEffect } from '../face/errors.ts';
import { RollcallError, deferred } from '../errors/errors.ts';
import type { FaceClient } from '../face/client.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { LostFaces } from '../records/lostFaces.ts';

/** An instance sends what it claimed a group for within this, or not at all. */
const actWithinMs = 20_000;
const comeBackMs = 1_000;
const deletedMeanwhile = 'The group was deleted meanwhile.';

/** A deletion that may still land: nothing may be created before, or it would go too. The claim is left to run out. */
class DeletionInDoubt extends RollcallError {
  constructor(retryAfterMs: number) {
    super('busy', undefined, { retryAfterMs });
  }
}

export type FaceGroups = ReturnType<typeof createFaceGroups>;

/** The groups as Face has them: created at the first face, emptied after the last. One instance at a time. */
export function createFaceGroups({
  groups,
  imageRecords,
  lostFaces,
  forgetTraining,
  face,
  callTimeoutMs,
  now,
}: FaceGroupsOptions) {
  // A call that was not answered for twice its limit will not land any more.
  const landedForSureMs = 2 * callTimeoutMs;
  /** How long an instance may take to create or empty a group in Face before another may try. */
  const claimMs = actWithinMs + landedForSureMs;

  /** @throws RollcallError `busy` while another instance is at it */
  async function claim(name: string, change: (group: Group) => Group): Promise<Group> {
    let claimed = false;
    const after = await groups.change(name, (group) => {
      claimed = group !== undefined && (group.leasedUntil ?? 0) <= now();
      return claimed && group !== undefined ? { ...change(group), leasedUntil: now() + claimMs } : group;
    });
    if (after === undefined) throw new RollcallError('conflict', deletedMeanwhile);
    if (!claimed) throw deferred(comeBackMs);
    return after;
  }

  /**
   * Ends the lease. A group that was deleted meanwhile has another epoch and is left as it is. `mayBeCreated`: a creation
   * in Face was not answered; if it lands, it does so within the time of the lease.
   */
  async function release(
    name: string,
    { faceGroupEpoch, leasedUntil }: Group,
    change: (group: Group) => Group,
    mayBeCreated = false,
  ): Promise<Group> {
    const after = await groups.change(name, (group) => {
      if (group === undefined) return undefined;
      const { leasedUntil: claimed, ...rest } =
        group.faceGroupEpoch === faceGroupEpoch ? change(group) : group;
      return {
        ...rest,
        ...(claimed === undefined || claimed === leasedUntil ? {} : { leasedUntil: claimed }),
        ...(mayBeCreated && leasedUntil !== undefined ? { createdInFaceUntil: leasedUntil } : {}),
      };
    });
    if (after === undefined) throw new RollcallError('conflict', deletedMeanwhile);
    return after;
  }

  /** After a failure; the caller throws it. */
  async function letGo(
    name: string,
    claimed: Group,
    error: unknown,
    change = (group: Group): Group => group,
  ): Promise<void> {
    if (!(error instanceof DeletionInDoubt)) await release(name, claimed, change);
  }

  /** The claim outlasts a call, however late it lands. We stalled if it no longer would. @throws RollcallError `busy` */
  function assertClaimLasts({ leasedUntil = 0 }: Group): void {
    if (now() > leasedUntil - landedForSureMs) throw deferred(comeBackMs);
  }

  /**
   * Deletes the group in Face, under a claim, when no creation can come after it. A group that is not there is gone.
   * @throws DeletionInDoubt
   */
  async function deleteInFace(claimed: Group): Promise<void> {
    const { group: name, createdInFaceUntil = 0 } = claimed;
    if (createdInFaceUntil > now()) throw deferred(createdInFaceUntil - now());
    assertClaimLasts(claimed);
    try {
      await face.deleteGroup(name);
    } catch (error) {
      if (isFaceError(error, 404)) return;
      if (!mayHaveTakenEffect(error)) throw error;
      throw new DeletionInDoubt(landedForSureMs);
    }
  }

  /** Creating is not idempotent: a group that exists is ours if it has the model that we want. */
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
    /** The group, created in Face if it is not there. */
    async ensure(name: string): Promise<Group> {
      const group = await groups.get(name);
      if (group === undefined) throw new RollcallError('conflict', deletedMeanwhile);
      if (group.inFace && (group.leasedUntil ?? 0) <= now()) return group;
      const claimed = await claim(name, (current) => current);
      let isCreating = false;
      try {
        if (claimed.isDeleted === true) throw new RollcallError('conflict', deletedMeanwhile);
        if (claimed.isStaleInFace === true) {
          await deleteInFace(claimed);
          await forgetTraining(name);
        }
        assertClaimLasts(claimed);
        isCreating = !claimed.inFace;
        if (isCreating) await createInFace(claimed);
      } catch (error) {
        if (isCreating && mayHaveTakenEffect(error)) await release(name, claimed, (current) => current, true);
        else await letGo(name, claimed, error);
        throw error;
      }
      const ensured = await release(name, claimed, (current) => ({ ...notStale(current), inFace: true }));
      if (ensured.faceGroupEpoch !== claimed.faceGroupEpoch)
        throw new RollcallError('conflict', deletedMeanwhile);
      return ensured;
    },

    /** Deletes in Face what an earlier life of the group left there. True when there was something. */
    async deleteStale(name: string): Promise<boolean> {
      if ((await groups.row(name))?.isStaleInFace !== true) return false;
      const claimed = await claim(name, (current) => current);
      try {
        if (claimed.isStaleInFace === true) {
          await deleteInFace(claimed);
          await forgetTraining(name);
        }
      } catch (error) {
        await letGo(name, claimed, error);
        throw error;
      }
      await release(name, claimed, notStale);
      return true;
    },

    /**
     * Face does not have the group any more: deleted behind our back. It is created anew by the next face, and the
     * resync enrolls anew what was in it.
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
     * Deletes the group in Face if no picture of it is or may become enrolled; the next face creates it anew. True
     * when nothing of it is left to train.
     * The epoch rises before the counts are read. A concurrent add has already been counted, so either it is seen here
     * or it sees the lease and retries.
     */
    async emptyIfNoFaceIsLeft(name: string): Promise<boolean> {
      // Deleted: its erasure deletes it in Face.
      if ((await groups.get(name)) === undefined) return true;
      const claimed = await claim(name, (group) => ({
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
        if (empty) await deleteInFace(claimed);
      } catch (error) {
        await letGo(name, claimed, error, asBefore);
        throw error;
      }
      await release(name, claimed, (group) => (empty ? group : asBefore(group)));
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
  /** Nothing of the group is trained any more, and nothing of it waits for a training. */
  forgetTraining: (group: string) => Promise<unknown>;
  face: FaceClient;
  /** A call that was not answered for twice this long will not land any more. */
  callTimeoutMs: number;
  now: () => number;
};
