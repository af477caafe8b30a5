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
  /** Notes that faces of the group have changed in Face. */
  groupChanged: (group: string) => Promise<Training>;
  detectionModel: string;
  /** Whether the group refuses pictures of several faces now. */
  refusesSeveral: (group: string) => Promise<boolean>;
  /** A call that was not answered for twice this long will not land any more. */
  callTimeoutMs: number;
  now: () => number;
};

export type AddFace = ReturnType<typeof createAddFace>;

/**
 * Adds the face of a picture to its person, exactly once in effect. Adding is not idempotent, and a call that was
 * not answered may still land, so: the intention is written, then the call is sent with a key of our own, then
 * the outcome is written. On redelivery with the intention open, what Face holds is looked at before anything is
 * sent again. An intention says which bytes it adds to which person, and stays open until the outcome of every
 * sending is known or none can land any more, whatever becomes of the picture meanwhile.
 *
 * Died before the call, or it was lost: the look finds nothing, the add is sent again.
 * Died after the call, or its answer was lost: the look finds the face by its key and adopts it.
 * It lands later still, after another was sent, or when the picture has other bytes or is gone: the intention is
 * still open, and the last look finds the face that no row names; it goes.
 */
export function createAddFace(options: AddFaceOptions) {
  const { imageRecords, untrainedFaces, imageStore, face, facePersons, groupChanged, now } = options;
  // A call leaves within its time limit after its intention, or not at all; then twice the limit passes.
  const landedForSureMs = 3 * options.callTimeoutMs;

  /** Returns the record afterwards. `changed`: another version lies in the container, and nothing was done. */
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
    // What fails from here on leaves the intention open: the face is there, and found by its key.
    await markChanged(ref, picture, intent);
    const { content, personId, life } = intent;
    return record(ref, (p) => added(addEnded(p, intent), { faceId, content, personId, life }, now()));
  }

  /** @throws RollcallError conflict when the picture has changed since it was read */
  async function intend(ref: ImageRef, seen: ImageRecord, personId: string): Promise<AddIntent> {
    const { content = '', generation: life } = seen;
    const at = now();
    const after = await record(ref, (p) => {
      if (p.state !== 'detected' || p.content !== content || p.generation !== life) throw overtaken();
      refuseIfOvertaken(p, seen);
      return addIntended(p, { content, personId, life }, at);
    });
    const intent = after?.intents.at(-1);
    // The call has to be on its way soon after its intention, for that tells when it can no longer land.
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
   * Face holds a face of this add. The group is marked before that is written: a death in between marks it once more,
   * never not at all. Until a training covers it, the face is found by the ID of its detection.
   */
  async function markChanged(ref: ImageRef, picture: ImageRecord, intended: Add): Promise<void> {
    const { begun } = await groupChanged(ref.group);
    const { seenAs, state, content } = picture;
    if (seenAs !== undefined && state === 'detected' && content === intended.content)
      await untrainedFaces.remember({ ...seenAs, ref, content, begun, addedAt: now() });
  }

  /** A refusal that proves that nothing landed ends its sending; any other failure leaves it open. */
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
    // Nobody has looked at the picture, since it was to have one face; the policy may have changed meanwhile.
    const isUnseen = picture.faceRectangle === undefined;
    if (code === 'several_faces' && isUnseen && !(await options.refusesSeveral(ref.group)))
      return record(ref, (p) => undetected(p, picture, now()));
    return record(ref, (p) =>
      rejected(p, picture, { reason: code as 'person_full', detail: message }, now()),
    );
  }

  /** The faces that Face holds for this content of the picture and that no row of the person names. */
  async function find(ref: ImageRef, { image }: ImageRecord, intended: Add): Promise<PersistedFace[]> {
    const { content, personId, life } = intended;
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
      if (persisted?.userData === key) found.push({ faceId, content, personId, life });
    }
    return found;
  }

  /** Looks for the faces of one add in doubt. */
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

    /** When an add in doubt can no longer land. */
    inDoubtUntil: (intent: AddIntent): number => intent.at + landedForSureMs,
  };
}

/**
 * A session whose lock was lost goes on beside its successor, and must not write over what that one intends.
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
