import type { ImageRef } from '../messages/workQueues.ts';
import { RollcallError } from '../errors/errors.ts';
import type { FaceClient } from '../face/client.ts';
import { isFaceError, mayHaveTakenEffect } from '../face/errors.ts';
import type { FaceRectangle } from '../face/types.ts';
import { imageFaultOf } from './detectFace.ts';
import type { ImageStore } from '../images/imageStore.ts';
import { prepareImage } from '../images/prepareImage.ts';
import type { UntrainedFaces } from '../records/untrainedFaces.ts';
import { faceKeyOf } from '../records/keys.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import {
  added,
  addEnded,
  addIntended,
  lookedFor,
  rejected,
  removed,
  undetected,
  type Add,
  type AddIntent,
  type PersistedFace,
  type ImageRecord,
} from '../records/image.ts';
import type { Training } from '../training/machine.ts';
import type { FacePersons } from './facePersons.ts';

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

export type AddFace = ReturnType<typeof createAddFace>;

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
export function createAddFace(options: AddFaceOptions) {
  const { imageRecords, untrainedFaces, imageStore, face, facePersons, groupChanged, now } = options;
  // A call is sent at most one time limit after its intent was written, or not at all (see `intend`), and no longer
  // takes effect two time limits after it was sent.
  const landedForSureMs = 3 * options.callTimeoutMs;

  /** Resolves with the record afterwards; with `changed`, and no effect, when the container holds another version. */
  async function add(ref: ImageRef, picture: ImageRecord): Promise<ImageRecord | undefined | 'changed'> {
    const image = await imageStore.read(picture.image, picture.etag);
    if (image === 'changed') return 'changed';
    if (image === 'archived') throw new RollcallError('image_archived');
    if (image === 'gone') return record(ref, (p) => removed(p, now()));
    const person = await facePersons.ensure(ref.group, ref.person ?? '');
    const prepared = await prepareImage(image, picture.part);
    const intent = await intend(ref, picture, person.personId);
    const targetFace = picture.faceRectangle && prepared.toPrepared(picture.faceRectangle);
    let faceId: string;
    try {
      faceId = await send(ref, picture, intent, prepared.bytes, targetFace);
    } catch (error) {
      return refuse(ref, picture, intent, person.faceGroupEpoch, error);
    }
    // A failure from here on leaves the intent open: Face holds the face, and the next attempt finds it by its key.
    await markChanged(ref, picture, intent);
    const { content, personId, generation } = intent;
    return record(ref, (p) => added(addEnded(p, intent), { faceId, content, personId, generation }, now()));
  }

  /** @throws RollcallError conflict when the image record has changed since it was read */
  async function intend(ref: ImageRef, seen: ImageRecord, personId: string): Promise<AddIntent> {
    const { content = '', generation } = seen;
    const at = now();
    const after = await record(ref, (p) => {
      if (p.state !== 'detected' || p.content !== content || p.generation !== generation) throw overtaken();
      refuseIfOvertaken(p, seen);
      return addIntended(p, { content, personId, generation }, at);
    });
    const intent = after?.intents.at(-1);
    // The time of the intent bounds when the call can still take effect, so the call must be sent soon after the
    // intent was written.
    if (intent === undefined || now() - at > options.callTimeoutMs) throw overtaken();
    return intent;
  }

  function send(
    ref: ImageRef,
    { image }: ImageRecord,
    { content, personId }: Add,
    bytes: Uint8Array,
    targetFace: FaceRectangle | undefined,
  ) {
    const userData = faceKeyOf(image, content);
    return face.addFace(ref.group, personId, bytes, {
      targetFace,
      userData,
      detectionModel: options.detectionModel,
    });
  }

  /**
   * Records that the group needs a training, and remembers the face as untrained, before the face itself is recorded:
   * a crash in between records the change of the group twice, never zero times. Until a training covers the face, it is
   * compared by the face ID of its detection.
   */
  async function markChanged(ref: ImageRef, picture: ImageRecord, intended: Add): Promise<void> {
    const { begun } = await groupChanged(ref.group);
    const { seenAs, state, content } = picture;
    if (seenAs !== undefined && state === 'detected' && content === intended.content)
      await untrainedFaces.remember({ ...seenAs, ref, content, begun, addedAt: now() });
  }

  /** Ends the intent when the error proves that the call had no effect; any other error leaves the intent open. */
  async function refuse(
    ref: ImageRef,
    picture: ImageRecord,
    intent: AddIntent,
    faceGroupEpoch: number,
    error: unknown,
  ): Promise<ImageRecord | undefined> {
    if (mayHaveTakenEffect(error)) throw error;
    await record(ref, (p) => addEnded(p, intent));
    if (isFaceError(error, 404)) {
      await facePersons.lost(ref.group, ref.person ?? '', faceGroupEpoch, error);
      throw new RollcallError('conflict', 'Face does not have the person any more.', { cause: error });
    }
    const fault = isFaceError(error, 403, 'QuotaExceeded')
      ? new RollcallError('person_full')
      : imageFaultOf(error);
    if (fault === undefined) throw error;
    const { code, message } = fault;
    // Under a policy that rejects several faces an image can reach this point without a detection. When the policy has
    // changed since, the image is detected now instead of rejected.
    const isUnseen = picture.faceRectangle === undefined;
    if (code === 'several_faces' && isUnseen && !(await options.refusesSeveral(ref.group)))
      return record(ref, (p) => undetected(p, picture, now()));
    return record(ref, (p) =>
      rejected(p, picture, { reason: code as 'person_full', detail: message }, now()),
    );
  }

  /** The faces that Face holds for this content of the image and that no image record of the person names. */
  async function find(ref: ImageRef, { image }: ImageRecord, intended: Add): Promise<PersistedFace[]> {
    const { content, personId, generation } = intended;
    const { group } = ref;
    const held = await face.getPerson(group, personId).catch(undefinedIfGone);
    const named = new Set<string>();
    for await (const other of imageRecords.imagesOfPerson(group, ref.person ?? '')) {
      if (other.persisted !== undefined) named.add(other.persisted.faceId);
      for (const orphanedFaces of other.orphanedFaces) named.add(orphanedFaces.faceId);
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

  /** Searches Face for the faces of one open intent and records them. */
  async function look(ref: ImageRef, seen: ImageRecord, intended: Add): Promise<ImageRecord | undefined> {
    const landedUntil = now() - landedForSureMs;
    const found = await find(ref, seen, intended);
    if (found.length > 0) await markChanged(ref, seen, intended);
    return record(ref, (p) => {
      refuseIfOvertaken(p, seen);
      return lookedFor(p, intended, found, now(), landedUntil);
    });
  }

  function record(
    ref: ImageRef,
    transition: (picture: ImageRecord) => ImageRecord,
  ): Promise<ImageRecord | undefined> {
    return imageRecords.change(ref, (picture) => picture && transition(picture));
  }

  return {
    add,

    /** Looks for the faces of all adds in doubt. What is still in doubt afterwards has not landed, but may. */
    async settleIntents(ref: ImageRef, picture: ImageRecord): Promise<ImageRecord | undefined> {
      let seen: ImageRecord | undefined = picture;
      for (const intent of picture.intents) seen = seen && (await look(ref, seen, intent));
      return seen;
    },

    /** The time from which an open intent can no longer take effect, in milliseconds since 1970. */
    inDoubtUntil: (intent: AddIntent): number => intent.at + landedForSureMs,
  };
}

/**
 * A worker that has lost its session lock may still run beside the next holder of the lock, and must not overwrite the
 * intents of that holder.
 * @throws RollcallError conflict
 */
function refuseIfOvertaken({ intents }: ImageRecord, seen: ImageRecord): void {
  const told = (all: readonly AddIntent[]) => all.map(({ at, sends }) => `${at} ${sends}`).join();
  if (told(intents) !== told(seen.intents)) throw overtaken();
}

function overtaken(): RollcallError {
  return new RollcallError('conflict', 'The picture is worked on by another session.');
}

function undefinedIfGone(error: unknown): undefined {
  if (!isFaceError(error, 404)) throw error;
}
