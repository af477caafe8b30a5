import { isFaceError } from '../face/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { DeadLetters } from '../messages/deadLetters.ts';
import type { ImageRef, WorkQueues, PersonKey } from '../messages/workQueues.ts';
import type { Groups } from '../records/groups.ts';
import { faceDeleted, isDeferred, needsEnrollment, removed, type ImageRecord } from '../records/image.ts';
import { recordFailure } from './failurePolicy.ts';
import type { Owner } from '../enrollment/facePersons.ts';
import { addFace, type AddFaceOptions } from '../enrollment/addFace.ts';
import { inDoubtUntil, settleIntents } from '../enrollment/settleIntents.ts';

export type PersonReconcilerOptions = AddFaceOptions & {
  groups: Groups;
  /** Advances the erasure of a person; resolves with the time of the next reconcile (never: Infinity). */
  erasePerson: (key: PersonKey) => Promise<number>;
  workQueues: WorkQueues;
  deadLetters: DeadLetters;
  log: Log;
};

/** When an image needs its person reconciled again (never: Infinity), and whether the present run ends with it. */
type NextRun = { at: number; stop: boolean };

/**
 * Bounds of one run of a session; the rest is queued again. A person has 248 faces at most, so images that wait do not
 * stand before images that can be processed.
 */
const longestWorkMs = 30_000;
const imagesAtATime = 300;
/** How long the detection of a new version may take before the person is queued again for it. */
const changedPauseMs = 2_000;

/**
 * Reconciles the images of one person with Face, oldest first: orphaned faces are deleted, adds in doubt are searched
 * for, wanted faces are added. Service Bus gives a session to one instance at a time, so nothing else changes the faces
 * of the person meanwhile. An image that fails does not hold up the others, unless the quota is used up.
 */
export async function reconcilePerson(
  options: PersonReconcilerOptions,
  { group, person }: PersonKey,
): Promise<void> {
  const { imageRecords, workQueues, now } = options;
  const endAt = now() + longestWorkMs;
  let requeueAt = await options.erasePerson({ group, person });
  const refs = await imageRecords.openImages(group, person, imagesAtATime);
  if (refs.length === imagesAtATime) requeueAt = now();
  for (const ref of refs) {
    const next = now() > endAt ? { at: now(), stop: true } : await reconcileImage(options, ref);
    requeueAt = Math.min(requeueAt, next.at);
    if (next.stop) break;
  }
  if (requeueAt < Infinity) await workQueues.enqueuePerson({ group, person }, Math.max(0, requeueAt - now()));
}

/** Takes the next step of one image. */
async function reconcileImage(options: PersonReconcilerOptions, ref: ImageRef): Promise<NextRun> {
  const image = await options.imageRecords.get(ref);
  if (image === undefined) return { at: Infinity, stop: false };
  // Deferred by the rate limiter; its own scheduled message will arrive.
  if (isDeferred(image, options.now())) return { at: Infinity, stop: true };
  try {
    return { at: await advance(options, ref, image), stop: false };
  } catch (error) {
    return recover(options, ref, image, error);
  }
}

/** Each step takes the record as the step before it left it. */
async function advance(options: PersonReconcilerOptions, ref: ImageRef, image: ImageRecord): Promise<number> {
  const settled = await settleIntents(options, ref, image);
  const current = await deleteOrphanedFaces(options, ref, settled);
  if (current?.state !== 'detected') return nextRunAt(options, current);
  const owner = await loadOwner(options, ref, current);
  if (owner === undefined) {
    const gone = await options.imageRecords.change(ref, (i) => i && removed(i, options.now()));
    return nextRunAt(options, await deleteOrphanedFaces(options, ref, gone));
  }
  const after = await addFace(options, ref, current, owner);
  if (after === 'changed') {
    // The event of the newer version may be lost.
    await options.workQueues.enqueueImage(ref);
    return options.now() + changedPauseMs;
  }
  return nextRunAt(options, await deleteOrphanedFaces(options, ref, after));
}

/**
 * The group and the person of an image. Undefined when one of them was deleted since: they have a higher generation then,
 * and nothing is created for an earlier one.
 */
async function loadOwner(
  { groups, imageRecords }: PersonReconcilerOptions,
  ref: ImageRef,
  image: ImageRecord,
): Promise<Owner | undefined> {
  const group = await groups.get(ref.group);
  if (group === undefined) return undefined;
  const person = await imageRecords.person(group, ref.person ?? '');
  return person !== undefined && image.generation === person.generation ? { group, person } : undefined;
}

/** Deleting is idempotent: a face that Face does not have is gone. */
async function deleteOrphanedFaces(
  { face, groupChanged, imageRecords, now }: PersonReconcilerOptions,
  ref: ImageRef,
  image: ImageRecord | undefined,
): Promise<ImageRecord | undefined> {
  let after = image;
  for (const { personId, faceId } of image?.orphanedFaces ?? []) {
    await face.deleteFace(ref.group, personId, faceId).catch((error: unknown) => {
      if (!isFaceError(error, 404)) throw error;
    });
    await groupChanged(ref.group);
    after = await imageRecords.change(ref, (i) => i && faceDeleted(i, faceId, now()));
  }
  return after;
}

/** At once when something is left to do; else when the next add in doubt can no longer take effect (never: Infinity). */
function nextRunAt(options: PersonReconcilerOptions, image: ImageRecord | undefined): number {
  if (image === undefined || !needsEnrollment(image)) return Infinity;
  if (image.state === 'detected' || image.orphanedFaces.length > 0) return options.now();
  return Math.min(...image.intents.map((intent) => inDoubtUntil(options, intent)));
}

async function recover(
  options: PersonReconcilerOptions,
  ref: ImageRef,
  seen: ImageRecord,
  error: unknown,
): Promise<NextRun> {
  const { action } = await recordFailure(options, ref, seen, error);
  switch (action.kind) {
    case 'defer':
      return { at: options.now() + action.afterMs, stop: true };
    case 'retry':
      return { at: options.now() + action.afterMs, stop: false };
    case 'reject':
      return { at: options.now(), stop: false };
    case 'fail':
      return { at: Infinity, stop: false };
  }
}
