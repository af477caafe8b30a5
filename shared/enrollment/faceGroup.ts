import { isFaceError } from '../face/errors.ts';
import { RollcallError } from '../errors.ts';
import type { FaceClient } from '../face/client.ts';
import { TurnFarAway } from '../quota/gate.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { Ledger } from '../records/ledger.ts';
import type { LostFaces } from '../records/lostFaces.ts';

/** How long an instance may take to create or empty a group in Face before another may try. */
const claimMs = 60_000;
const comeBackMs = 1_000;

export type FaceGroups = ReturnType<typeof createFaceGroups>;

/** The groups as Face has them: created at the first face, emptied after the last. One instance at a time. */
export function createFaceGroups({ groups, ledger, lostFaces, face, now }: FaceGroupsOptions) {
  /** @throws TurnFarAway while another instance is at it */
  async function claim(name: string, change: (group: Group) => Group): Promise<Group> {
    let claimed = false;
    const after = await groups.change(name, (group) => {
      claimed = group !== undefined && (group.claimedUntil ?? 0) <= now();
      return claimed && group !== undefined ? { ...change(group), claimedUntil: now() + claimMs } : group;
    });
    if (after === undefined) throw new RollcallError('group_not_found');
    if (!claimed) throw new TurnFarAway(comeBackMs);
    return after;
  }

  async function release(name: string, change: (group: Group) => Group): Promise<Group> {
    const after = await groups.change(name, (group) => {
      if (group === undefined) return undefined;
      const { claimedUntil: _claimedUntil, ...rest } = change(group);
      return rest;
    });
    if (after === undefined) throw new RollcallError('group_not_found');
    return after;
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
      if (group === undefined) throw new RollcallError('group_not_found');
      if (group.inFace && (group.claimedUntil ?? 0) <= now()) return group;
      const claimed = await claim(name, (current) => current);
      try {
        if (!claimed.inFace) await createInFace(claimed);
      } catch (error) {
        await release(name, (current) => current);
        throw error;
      }
      return release(name, (current) => ({ ...current, inFace: true }));
    },

    /**
     * Face does not have the group any more: deleted behind our back. It is created anew by the next face, and the
     * sweep enrolls anew what was in it.
     */
    async lost(name: string, incarnation: number): Promise<void> {
      await lostFaces.note(name);
      await groups.change(name, (group) =>
        group === undefined || group.incarnation !== incarnation
          ? group
          : { ...group, inFace: false, incarnation: incarnation + 1 },
      );
    },

    /**
     * Deletes the group in Face if no picture of it is or may become enrolled; the next face creates it anew.
     * The incarnation rises before the counts are read: whoever wants to add a face has his picture in the
     * counts before he reads the group, so he is either seen here, or sees the claim and comes back.
     */
    async emptyIfNoFaceIsLeft(name: string): Promise<boolean> {
      await claim(name, (group) => ({ ...group, inFace: false, incarnation: group.incarnation + 1 }));
      const { images } = await ledger.counts(name);
      const empty = images.received + images.detected + images.enrolled === 0;
      if (empty) {
        await face.deleteGroup(name).catch((error: unknown) => {
          if (!isFaceError(error, 404)) throw error;
        });
      }
      await release(name, (group) =>
        empty ? group : { ...group, inFace: true, incarnation: group.incarnation - 1 },
      );
      return empty;
    },
  };
}

export type FaceGroupsOptions = {
  groups: Groups;
  ledger: Ledger;
  lostFaces: LostFaces;
  face: FaceClient;
  now: () => number;
};
