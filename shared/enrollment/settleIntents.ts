import { isFaceError } from '../face/errors.ts';
import type { ImageRef } from '../messages/workQueues.ts';
import {
  lookedFor,
  type Add,
  type AddIntent,
  type ImageRecord,
  type PersistedFace,
} from '../records/image.ts';
import { faceKeyOf } from '../records/keys.ts';
import { markChanged, recordStep, refuseIfOvertaken, type AddFaceOptions } from './addFace.ts';

/** The time from which an open intent can no longer take effect, in milliseconds since 1970. */
export function inDoubtUntil(
  { callTimeoutMs }: Pick<AddFaceOptions, 'callTimeoutMs'>,
  intent: AddIntent,
): number {
  return intent.at + landedForSureMs(callTimeoutMs);
}

/**
 * A call is sent at most one time limit after its intent was written, or not at all, and no longer takes effect two
 * time limits after it was sent.
 */
function landedForSureMs(callTimeoutMs: number): number {
  return 3 * callTimeoutMs;
}

/**
 * Searches Face for the faces of all adds in doubt and records them. An add that is still in doubt afterwards has not
 * taken effect, but may. Resolves with the record afterwards.
 */
export async function settleIntents(
  options: AddFaceOptions,
  ref: ImageRef,
  image: ImageRecord,
): Promise<ImageRecord | undefined> {
  let seen: ImageRecord | undefined = image;
  for (const intent of image.intents) seen = seen && (await settle(options, ref, seen, intent));
  return seen;
}

async function settle(
  options: AddFaceOptions,
  ref: ImageRef,
  seen: ImageRecord,
  intended: Add,
): Promise<ImageRecord | undefined> {
  const landedUntil = options.now() - landedForSureMs(options.callTimeoutMs);
  const found = await findFaces(options, ref, seen, intended);
  if (found.length > 0) await markChanged(options, ref, seen, intended);
  return recordStep(options, ref, (image) => {
    refuseIfOvertaken(image, seen);
    return lookedFor(image, intended, found, options.now(), landedUntil);
  });
}

/** The faces that Face holds for this content of the image and that no image record of the person names. */
async function findFaces(
  { face, imageRecords }: AddFaceOptions,
  { group, person = '' }: ImageRef,
  { image }: ImageRecord,
  { content, personId, generation }: Add,
): Promise<PersistedFace[]> {
  const held = await face.getPerson(group, personId).catch(undefinedIfGone);
  const named = new Set<string>();
  for await (const { persisted, orphanedFaces } of imageRecords.imagesOfPerson(group, person)) {
    if (persisted !== undefined) named.add(persisted.faceId);
    for (const { faceId } of orphanedFaces) named.add(faceId);
  }
  const key = faceKeyOf(image, content);
  const found: PersistedFace[] = [];
  for (const faceId of held?.persistedFaceIds ?? []) {
    if (named.has(faceId)) continue;
    const persisted = await face.getFace(group, personId, faceId).catch(undefinedIfGone);
    if (persisted?.userData === key) found.push({ faceId, content, personId, generation });
  }
  return found;
}

function undefinedIfGone(error: unknown): undefined {
  if (!isFaceError(error, 404)) throw error;
}
