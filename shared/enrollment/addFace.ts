import { RollcallError } from '../errors.ts';
import type { FaceClient } from '../face/client.ts';
import { isFaceError, mayHaveTakenEffect } from '../face/errors.ts';
import type { FaceRectangle } from '../face/types.ts';
import { faultOfPicture } from '../photos/detect.ts';
import type { PhotoStore } from '../photos/photoStore.ts';
import { preparePicture } from '../photos/prepare.ts';
import type { FreshFaces } from '../records/freshFaces.ts';
import { faceKeyOf } from '../records/keys.ts';
import type { Ledger, PictureRef } from '../records/ledger.ts';
import {
  added,
  addIntended,
  addRefused,
  lookedAgain,
  rejected,
  removed,
  type AddIntent,
  type PersistedFace,
  type Picture,
} from '../records/picture.ts';
import type { Training } from '../training/machine.ts';
import type { FacePersons } from './facePersons.ts';

export type AddFaceOptions = {
  ledger: Ledger;
  freshFaces: FreshFaces;
  photos: PhotoStore;
  face: FaceClient;
  facePersons: FacePersons;
  /** Notes that faces of the group have changed in Face. */
  groupChanged: (group: string) => Promise<Training>;
  detectionModel: string;
  /** A call that was not answered for twice this long will not land any more. */
  callTimeoutMs: number;
  now: () => number;
};

export type AddFace = ReturnType<typeof createAddFace>;

/**
 * Adds the face of a picture to its person, exactly once in effect. Adding is not idempotent, and a call that was
 * not answered may still land, so: the intention is written, then the call is sent with a key of our own, then
 * the outcome is written. On redelivery with the intention open, what Face holds is looked at before anything is
 * sent again; if an add was sent twice, a second look after twice its time limit finds a double.
 *
 * Died before the call, or it was lost: the look finds nothing, the add is sent again.
 * Died after the call, or its answer was lost: the look finds the face by its key and adopts it.
 * It lands later still: the second look finds two, and the one that no row names goes.
 */
export function createAddFace(options: AddFaceOptions) {
  const { ledger, freshFaces, photos, face, facePersons, groupChanged, now } = options;
  const landedForSureMs = 2 * options.callTimeoutMs;

  /** `changed`: another version lies in the container, and nothing was done for this one. */
  async function add(ref: PictureRef, picture: Picture): Promise<'done' | 'changed'> {
    const image = await photos.read(picture.image, picture.version);
    if (image === 'changed') return 'changed';
    if (image === 'gone') {
      await record(ref, (p) => removed(p, now()));
      return 'done';
    }
    const person = await facePersons.ensure(ref.group, ref.person ?? '');
    const prepared = await preparePicture(image);
    const intent: AddIntent = {
      version: picture.version,
      personId: person.personId,
      at: now(),
      sends: (picture.intent?.sends ?? 0) + 1,
    };
    await intend(ref, picture, intent);
    const targetFace = picture.faceRectangle && prepared.toPrepared(picture.faceRectangle);
    let faceId: string;
    try {
      faceId = await send(ref, picture, intent, prepared.bytes, targetFace);
    } catch (error) {
      await refuse(ref, picture, intent, person.incarnation, error);
      return 'done';
    }
    // What fails from here on leaves the intention open: the face is there, and found by its key.
    await land(ref, picture, { faceId, version: intent.version, personId: intent.personId }, intent);
    return 'done';
  }

  /**
   * Only if nobody has changed the picture since we looked: a session whose lock was lost goes on beside its
   * successor, and must not write over what that one intends.
   */
  async function intend(
    ref: PictureRef,
    { version, intent: seen }: Picture,
    intent: AddIntent,
  ): Promise<void> {
    let isOurs = false;
    await record(ref, (p) => {
      isOurs =
        p.state === 'detected' &&
        p.version === version &&
        p.intent?.at === seen?.at &&
        p.intent?.sends === seen?.sends;
      return isOurs ? addIntended(p, intent) : p;
    });
    // The call has to be on its way soon after its intention, for that tells when it can no longer land.
    if (!isOurs || now() - intent.at > options.callTimeoutMs)
      throw new RollcallError('conflict', 'The picture is worked on by another session.');
  }

  function send(
    ref: PictureRef,
    { image }: Picture,
    intent: AddIntent,
    bytes: Uint8Array,
    targetFace: FaceRectangle | undefined,
  ) {
    const userData = faceKeyOf(image, intent.version);
    return face.addFace(ref.group, intent.personId, bytes, {
      targetFace,
      userData,
      detectionModel: options.detectionModel,
    });
  }

  /**
   * The group is marked before the outcome is written: a death in between marks it once more, never not at all.
   * From the outcome on, the face is found by the ID of its detection, until a training covers it.
   */
  async function land(
    ref: PictureRef,
    picture: Picture,
    landed: PersistedFace,
    intent: AddIntent,
  ): Promise<void> {
    const { begun } = await groupChanged(ref.group);
    const { seenAs, version } = picture;
    if (seenAs !== undefined && version === intent.version)
      await freshFaces.remember({ ...seenAs, ref, version, begun, addedAt: now() });
    const lookAgainAt = intent.sends > 1 ? now() + landedForSureMs : undefined;
    await record(ref, (p) => added(p, landed, now(), lookAgainAt));
  }

  /** A refusal that proves that nothing landed closes the intention; any other failure leaves it open. */
  async function refuse(
    ref: PictureRef,
    picture: Picture,
    intent: AddIntent,
    incarnation: number,
    error: unknown,
  ): Promise<void> {
    if (mayHaveTakenEffect(error)) throw error;
    if (intent.sends === 1) await record(ref, addRefused);
    if (isFaceError(error, 404)) {
      await facePersons.lost(ref.group, ref.person ?? '', incarnation, error);
      throw new RollcallError('conflict', 'Face does not have the person any more.', { cause: error });
    }
    const fault = isFaceError(error, 403, 'QuotaExceeded')
      ? new RollcallError('person_full')
      : faultOfPicture(error);
    if (fault === undefined) throw error;
    const { code, message } = fault;
    await record(ref, (p) =>
      rejected(p, picture.version, { reason: code as 'person_full', detail: message }, now()),
    );
  }

  /** The faces that Face holds for this version of the picture and that no row of the person names. */
  async function find(ref: PictureRef, picture: Picture, intent: AddIntent): Promise<PersistedFace[]> {
    const { group } = ref;
    const held = await face.getPerson(group, intent.personId).catch((error: unknown) => {
      if (isFaceError(error, 404)) return undefined;
      throw error;
    });
    const named = new Set<string>();
    for await (const other of ledger.picturesOfPerson(group, ref.person ?? '')) {
      if (other.persisted !== undefined) named.add(other.persisted.faceId);
      for (const surplus of other.surplus) named.add(surplus.faceId);
    }
    const key = faceKeyOf(picture.image, intent.version);
    const found: PersistedFace[] = [];
    for (const faceId of held?.persistedFaceIds ?? []) {
      if (named.has(faceId)) continue;
      const persisted = await face.getFace(group, intent.personId, faceId);
      if (persisted.userData === key)
        found.push({ faceId, version: intent.version, personId: intent.personId });
    }
    return found;
  }

  async function record(ref: PictureRef, transition: (picture: Picture) => Picture): Promise<void> {
    await ledger.change(ref, (picture) => picture && transition(picture));
  }

  return {
    add,

    /** Looks for the face of an open intention. True when it was found, or can no longer land unwanted. */
    async settleIntent(
      ref: PictureRef,
      picture: Picture,
      intent: AddIntent,
    ): Promise<'settled' | 'not there'> {
      const [landed, ...doubles] = await find(ref, picture, intent);
      if (landed === undefined) return 'not there';
      await land(ref, picture, landed, intent);
      if (doubles.length > 0) {
        await record(ref, (p) => doubles.reduce((next, double) => added(next, double, now()), p));
      }
      return 'settled';
    },

    /** An intention that is not wanted any more and whose call cannot land any more. */
    async abandonIntent(ref: PictureRef): Promise<void> {
      await record(ref, addRefused);
    },

    /** When an unwanted intention may be abandoned. */
    abandonAt: (intent: AddIntent): number => intent.at + landedForSureMs,

    /** The second look, for a double of an add that was sent twice. */
    async lookAgain(ref: PictureRef, picture: Picture): Promise<void> {
      const { persisted } = picture;
      const doubles =
        persisted === undefined
          ? []
          : await find(ref, picture, {
              version: persisted.version,
              personId: persisted.personId,
              at: 0,
              sends: 0,
            });
      if (doubles.length > 0) await groupChanged(ref.group);
      await record(ref, (p) => lookedAgain(p, doubles));
    },
  };
}
