import type { FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { DeadLetters } from '../messages/deadLetters.ts';
import type { ImageRef, WorkQueues, PersonKey } from '../messages/workQueues.ts';
import type { Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import { faceDeleted, isDeferred, needsEnrollment, removed, type ImageRecord } from '../records/image.ts';
import { recordFailure } from './failurePolicy.ts';
import type { AddFace } from '../enrollment/addFace.ts';

/** When an image needs its person again (never: Infinity), and whether the run of the session ends with it. */
type NextTurn = { at: number; stop: boolean };

export type PersonReconcilerOptions = {
  imageRecords: ImageRecords;
  groups: Groups;
  face: FaceClient;
  addFace: AddFace;
  groupChanged: (group: string) => Promise<unknown>;
  /** Goes on with what is to be erased of a person; resolves with when to come back (never: Infinity). */
  erasePerson: (key: PersonKey) => Promise<number>;
  workQueues: WorkQueues;
  deadLetters: DeadLetters;
  log: Log;
  now: () => number;
};

/**
 * Bounds of one run of a session; what is left is queued again. A person has 248 faces at most, so that images that
 * wait do not stand before images that can be worked on.
 */
const longestWorkMs = 30_000;
const imagesAtATime = 300;
/** How long the detection of a new version may take before the person is queued again for it. */
const changedPauseMs = 2_000;

/**
 * Reconciles the images of one person with Face, oldest first: orphaned faces are deleted, adds in doubt are looked
 * for, wanted faces are added. Service Bus gives a session to one instance at a time, so nothing else changes this
 * person's faces meanwhile. An image that fails does not hold up the others, unless the quota ran out.
 */
export function createPersonReconciler(options: PersonReconcilerOptions) {
  const { imageRecords, workQueues, now } = options;

  async function reconcilePerson({ group, person }: PersonKey): Promise<void> {
    const endAt = now() + longestWorkMs;
    let requeueAt = await options.erasePerson({ group, person });
    const refs = await imageRecords.openImages(group, person, imagesAtATime);
    if (refs.length === imagesAtATime) requeueAt = now();
    for (const ref of refs) {
      const next = now() > endAt ? { at: now(), stop: true } : await reconcileImage(ref);
      requeueAt = Math.min(requeueAt, next.at);
      if (next.stop) break;
    }
    if (requeueAt < Infinity)
      await workQueues.enqueuePerson({ group, person }, Math.max(0, requeueAt - now()));
  }

  /** Takes the next step of one image. */
  async function reconcileImage(ref: ImageRef): Promise<NextTurn> {
    const image = await imageRecords.get(ref);
    if (image === undefined) return { at: Infinity, stop: false };
    // Deferred by the rate limiter; its own scheduled message will arrive.
    if (isDeferred(image, now())) return { at: Infinity, stop: true };
    try {
      return { at: await advance(ref, image), stop: false };
    } catch (error) {
      return recover(ref, image, error);
    }
  }

  /** Each step takes the record as the step before it left it. */
  async function advance(ref: ImageRef, image: ImageRecord): Promise<number> {
    const settled = await options.addFace.settleIntents(ref, image);
    const current = await deleteOrphanedFaces(ref, settled);
    if (current?.state !== 'detected') return nextTurnOf(current);
    if (!(await isOfPresentGeneration(ref, current)))
      return nextTurnOf(
        await deleteOrphanedFaces(ref, await imageRecords.change(ref, (i) => i && removed(i, now()))),
      );
    const after = await options.addFace.add(ref, current);
    if (after === 'changed') {
      // The event of the newer version may be lost.
      await workQueues.enqueueImage(ref);
      return now() + changedPauseMs;
    }
    return nextTurnOf(await deleteOrphanedFaces(ref, after));
  }

  /** A group or person that was deleted since has a higher generation: nothing is created for an earlier one. */
  async function isOfPresentGeneration(ref: ImageRef, image: ImageRecord): Promise<boolean> {
    const group = await options.groups.get(ref.group);
    const person = group && (await imageRecords.person(group, ref.person ?? ''));
    return image.generation === person?.generation;
  }

  /** Deleting is idempotent: a face that Face does not have is gone. */
  async function deleteOrphanedFaces(
    ref: ImageRef,
    image: ImageRecord | undefined,
  ): Promise<ImageRecord | undefined> {
    let after = image;
    for (const { personId, faceId } of image?.orphanedFaces ?? []) {
      await options.face.deleteFace(ref.group, personId, faceId).catch((error: unknown) => {
        if (!isFaceError(error, 404)) throw error;
      });
      await options.groupChanged(ref.group);
      after = await imageRecords.change(ref, (i) => i && faceDeleted(i, faceId, now()));
    }
    return after;
  }

  /** At once when something is left to do; else when the next add in doubt can no longer land (never: Infinity). */
  function nextTurnOf(image: ImageRecord | undefined): number {
    if (image === undefined || !needsEnrollment(image)) return Infinity;
    if (image.state === 'detected' || image.orphanedFaces.length > 0) return now();
    return Math.min(...image.intents.map(options.addFace.inDoubtUntil));
  }

  async function recover(ref: ImageRef, seen: ImageRecord, error: unknown): Promise<NextTurn> {
    const { action } = await recordFailure(options, ref, seen, error);
    switch (action.kind) {
      case 'defer':
        return { at: now() + action.afterMs, stop: true };
      case 'retry':
        return { at: now() + action.afterMs, stop: false };
      case 'reject':
        return { at: now(), stop: false };
      case 'fail':
        return { at: Infinity, stop: false };
    }
  }

  return reconcilePerson;
}
