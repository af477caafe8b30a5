import type { FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { DeadLetters } from '../messages/deadLetters.ts';
import type { ImageRef, WorkQueues, PersonKey } from '../messages/workQueues.ts';
import type { Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import {
  failed,
  faceDeleted,
  isDeferred,
  needsEnrollment,
  rejected,
  removed,
  deferredUntil,
  attemptFailed,
  type ImageRecord,
} from '../records/image.ts';
import { classifyFailure } from './failurePolicy.ts';
import type { AddFace } from '../enrollment/addFace.ts';

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
/** So long the look at a picture that was written again may take before its person comes back to it. */
const changedPauseMs = 2_000;

/**
 * Works through what a person's pictures have to do in Face, oldest first: faces that must go, adds in doubt, adds
 * that are wanted. Service Bus gives a session to one instance at a time, so nothing else changes this person's
 * faces meanwhile. A picture that fails does not hold up the others, unless it is the quota that ran out.
 */
export function createPersonReconciler(options: PersonReconcilerOptions) {
  const { imageRecords, workQueues, log, now } = options;

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

  /** Does what one picture needs. Says when to come back to it (never: Infinity), and whether to stop here. */
  async function reconcileImage(ref: ImageRef): Promise<{ at: number; stop: boolean }> {
    const picture = await imageRecords.get(ref);
    if (picture === undefined) return { at: Infinity, stop: false };
    // Deferred by the rate limiter; its own scheduled message will arrive.
    if (isDeferred(picture, now())) return { at: Infinity, stop: true };
    try {
      return { at: await advance(ref, picture), stop: false };
    } catch (error) {
      return recover(ref, picture, error);
    }
  }

  async function advance(ref: ImageRef, picture: ImageRecord): Promise<number> {
    await options.addFace.settleIntents(ref, picture);
    await deleteOrphanedFaces(ref);
    const current = await imageRecords.get(ref);
    if (current?.state === 'detected') {
      if (!(await isOfThisLife(ref, current))) await imageRecords.change(ref, (p) => p && removed(p, now()));
      else if ((await options.addFace.add(ref, current)) === 'changed') {
        // The event of the newer version may be lost.
        await workQueues.enqueueImage(ref);
        return now() + changedPauseMs;
      }
      await deleteOrphanedFaces(ref);
    }
    return nextTurnOf(ref);
  }

  /** A group or person that was deleted since has a higher generation: nothing is created for an earlier one. */
  async function isOfThisLife(ref: ImageRef, picture: ImageRecord): Promise<boolean> {
    const group = await options.groups.get(ref.group);
    const person = group && (await imageRecords.person(group, ref.person ?? ''));
    return picture.generation === person?.life;
  }

  /** Deleting is idempotent: a face that is not there is gone. */
  async function deleteOrphanedFaces(ref: ImageRef): Promise<void> {
    const picture = await imageRecords.get(ref);
    for (const { personId, faceId } of picture?.orphanedFaces ?? []) {
      await options.face.deleteFace(ref.group, personId, faceId).catch((error: unknown) => {
        if (!isFaceError(error, 404)) throw error;
      });
      await options.groupChanged(ref.group);
      await imageRecords.change(ref, (p) => p && faceDeleted(p, faceId, now()));
    }
  }

  /** At once when something is left to do; else when the next add in doubt can no longer land (never: Infinity). */
  async function nextTurnOf(ref: ImageRef): Promise<number> {
    const picture = await imageRecords.get(ref);
    if (picture === undefined || !needsEnrollment(picture)) return Infinity;
    if (picture.state === 'detected' || picture.orphanedFaces.length > 0) return now();
    return Math.min(...picture.intents.map(options.addFace.inDoubtUntil));
  }

  async function recover(
    ref: ImageRef,
    picture: ImageRecord,
    error: unknown,
  ): Promise<{ at: number; stop: boolean }> {
    const action = classifyFailure(error, picture.attempts ?? 0);
    switch (action.kind) {
      case 'defer':
        await imageRecords.change(ref, (p) => p && deferredUntil(p, now() + action.afterMs));
        return { at: now() + action.afterMs, stop: true };
      case 'retry':
        log.warn(`picture ${ref.image} is tried again`, action.error);
        await imageRecords.change(ref, (p) => p && attemptFailed(p));
        return { at: now() + action.afterMs, stop: false };
      case 'reject':
        await imageRecords.change(ref, (p) => p && rejected(p, picture, becauseOf(action), now()));
        return { at: now(), stop: false };
      case 'fail':
        log.error(`picture ${ref.image} failed`, action.error);
        await options.deadLetters.add({ ref, code: action.reason, detail: action.detail });
        await imageRecords.change(ref, (p) => p && failed(p, picture, becauseOf(action), now()));
        return { at: Infinity, stop: false };
    }
  }

  return reconcilePerson;
}

function becauseOf<Reason>({ reason, detail }: { reason: Reason; detail: string }) {
  return { reason, detail };
}
