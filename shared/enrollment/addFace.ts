import type { ImageRef } from '../messages/workQueues.ts';
import { RollcallError } from '../errors/errors.ts';
import type { FaceClient } from '../face/client.ts';
import { isFaceError, mayHaveTakenEffect } from '../face/errors.ts';
import { toImageFault } from './detectFace.ts';
import type { ImageStore } from '../images/imageStore.ts';
import { prepareImage } from '../images/prepareImage.ts';
import type { UntrainedFaces } from '../records/untrainedFaces.ts';
import { faceKeyOf } from '../records/keys.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import {
  added,
  addEnded,
  addIntended,
  rejected,
  removed,
  undetected,
  type Add,
  type AddIntent,
  type ImageRecord,
} from '../records/image.ts';
import type { Training } from '../training/machine.ts';
import type { FacePersons, InFace, Owner } from './facePersons.ts';

export type AddFaceOptions = {
  imageRecords: ImageRecords;
  untrainedFaces: UntrainedFaces;
  imageStore: ImageStore;
  face: FaceClient;
  facePersons: FacePersons;
  /** Records that the group needs a training because its faces in Face have changed. */
  groupChanged: (group: string) => Promise<Training>;
  detectionModel: string;
  /** Whether the present policy of the group rejects images that show several faces. */
  refusesSeveral: (group: string) => Promise<boolean>;
  /** Time limit of one call to Face. A call without an answer after twice this time no longer takes effect. */
  callTimeoutMs: number;
  now: () => number;
};

/** The container holds another version of the blob; the add had no effect. */
type Changed = 'changed';

/**
 * Adds the face of an image to its person, exactly once in effect. The add call of Face is not idempotent, and a call
 * without an answer may still take effect. Each add therefore has three steps: write the intent (write-ahead), send the
 * call with `userData` set to a key derived from the image and its content, write the outcome. When a message is
 * redelivered while an intent is open, the faces that Face holds are searched for that key before anything is sent
 * again. An intent names the bytes and the person of the add. The intent stays open until the outcome of every sent
 * call is known or no sent call can still take effect, whatever happens to the image in the meantime.
 *
 * Crash before the call, or the call was lost: the search finds nothing, and the add is sent again.
 * Crash after the call, or the answer was lost: the search finds the face by its key and records it.
 * The call takes effect even later (after another call was sent, or after the image changed or was removed): the intent
 * is still open, the last search finds a face that no row names, and that face is recorded as orphaned and deleted.
 */
export async function addFace(
  options: AddFaceOptions,
  ref: ImageRef,
  image: ImageRecord,
  owner: Owner,
): Promise<ImageRecord | undefined | Changed> {
  const bytes = await options.imageStore.read(image.image, image.etag);
  if (bytes === 'changed') return 'changed';
  if (bytes === 'archived') throw new RollcallError('image_archived');
  if (bytes === 'gone') return recordStep(options, ref, (i) => removed(i, options.now()));
  const person = await options.facePersons.ensure(owner);
  const prepared = await prepareImage(bytes, image.part);
  const intent = await intend(options, ref, image, person.personId);
  const targetFace = image.faceRectangle && prepared.toPrepared(image.faceRectangle);
  let faceId: string;
  try {
    faceId = await options.face.addFace(ref.group, person.personId, prepared.bytes, {
      targetFace,
      userData: faceKeyOf(image.image, intent.content),
      detectionModel: options.detectionModel,
      sendBefore: intent.at + options.callTimeoutMs,
    });
  } catch (error) {
    return refuse(options, ref, image, intent, person, error);
  }
  // A failure from here on leaves the intent open: Face holds the face, and the next attempt finds it by its key.
  await markChanged(options, ref, image, intent);
  const { content, personId, generation } = intent;
  const face = { faceId, content, personId, generation };
  return recordStep(options, ref, (i) => added(addEnded(i, intent), face, options.now()));
}

/** @throws RollcallError conflict when the image record has changed since it was read */
async function intend(
  options: AddFaceOptions,
  ref: ImageRef,
  seen: ImageRecord,
  personId: string,
): Promise<AddIntent> {
  const { content = '', generation } = seen;
  const at = options.now();
  const after = await recordStep(options, ref, (image) => {
    if (image.state !== 'detected' || image.content !== content || image.generation !== generation)
      throw overtaken();
    refuseIfOvertaken(image, seen);
    return addIntended(image, { content, personId, generation }, at);
  });
  const intent = after?.intents.at(-1);
  if (intent === undefined) throw overtaken();
  return intent;
}

/**
 * Records that the group needs a training, and remembers the face as untrained, before the face itself is recorded: a
 * crash in between records the change of the group twice, never zero times. Until a training covers the face, it is
 * compared by the face ID of its detection.
 */
export async function markChanged(
  { groupChanged, untrainedFaces, now }: AddFaceOptions,
  ref: ImageRef,
  { seenAs, state, content }: ImageRecord,
  intended: Add,
): Promise<void> {
  const { begun } = await groupChanged(ref.group);
  if (seenAs !== undefined && state === 'detected' && content === intended.content)
    await untrainedFaces.remember({ ...seenAs, ref, content, begun, addedAt: now() });
}

/** Ends the intent when the error proves that the call had no effect; any other error leaves the intent open. */
async function refuse(
  options: AddFaceOptions,
  ref: ImageRef,
  image: ImageRecord,
  intent: AddIntent,
  person: InFace,
  error: unknown,
): Promise<ImageRecord | undefined> {
  if (mayHaveTakenEffect(error)) throw error;
  await recordStep(options, ref, (i) => addEnded(i, intent));
  if (isFaceError(error, 404)) {
    await options.facePersons.lost(ref.group, ref.person ?? '', person, error);
    throw new RollcallError('conflict', 'Face does not have the person any more.', { cause: error });
  }
  const fault = isFaceError(error, 403, 'QuotaExceeded')
    ? new RollcallError('person_full')
    : toImageFault(error);
  if (fault === undefined) throw error;
  const { code, message } = fault;
  // Under a policy that rejects several faces an image can reach this point without a detection. When the policy has
  // changed since, the image is detected now instead of rejected.
  const isUnseen = image.faceRectangle === undefined;
  if (code === 'several_faces' && isUnseen && !(await options.refusesSeveral(ref.group)))
    return recordStep(options, ref, (i) => undetected(i, image, options.now()));
  const because = { reason: code as 'person_full', detail: message };
  return recordStep(options, ref, (i) => rejected(i, image, because, options.now()));
}

/** Applies a transition to the record of the image, if there is one. */
export function recordStep(
  { imageRecords }: AddFaceOptions,
  ref: ImageRef,
  transition: (image: ImageRecord) => ImageRecord,
): Promise<ImageRecord | undefined> {
  return imageRecords.change(ref, (image) => image && transition(image));
}

/**
 * A worker that has lost its session lock may still run beside the next holder of the lock, and must not overwrite the
 * intents of that holder.
 * @throws RollcallError conflict
 */
export function refuseIfOvertaken({ intents }: ImageRecord, seen: ImageRecord): void {
  const told = (all: readonly AddIntent[]) => all.map(({ at, sends }) => `${at} ${sends}`).join();
  if (told(intents) !== told(seen.intents)) throw overtaken();
}

function overtaken(): RollcallError {
  return new RollcallError('conflict', 'The image is processed by another session.');
}
