import type { Rejection, FailureCode } from '../errors.ts';
import type { FaceRectangle, QualityForRecognition } from '../face/types.ts';

/**
 * A picture of the ledger: what the row remembers of one path in a container.
 *
 *   enroll:    received → detected → enrolled
 *   identify:  received → identified
 *   both:      any → rejected (the picture is at fault), failed (it is not), removed (the blob is gone)
 *   any → received when the path is written again (another version)
 *
 * `version` is the ETag of the blob of which the state speaks. What Face holds for the picture stands apart from
 * the state, since Face follows later: `persisted` is the face of the version it names, `surplus` are faces that
 * must go, `intents` are adds whose outcome is not known; a later change of the picture leaves them as they are.
 *
 * Invariants:
 * - an enrolled picture has exactly one persisted face, that of its version;
 * - a face that Face may hold is named by `persisted` or `surplus`, or has an intent of its own with the version and
 *   the person that it was sent for, until it is known to be gone;
 * - a picture is settled exactly if Face holds what its state says and nothing is in doubt.
 *
 * The functions below are the transitions. Each is right in every state, because any other may have come first.
 */
export type PictureState =
  'received' | 'detected' | 'enrolled' | 'identified' | 'rejected' | 'failed' | 'removed';

export const pictureStates = [
  'received',
  'detected',
  'enrolled',
  'identified',
  'rejected',
  'failed',
  'removed',
] as const satisfies readonly PictureState[];

export type PersistedFace = { faceId: string; version: string; personId: string };

/** What is added to which person in Face. */
export type Add = { version: string; personId: string };

/** `at`: when the add was sent last; `sends`: how often, without those whose outcome is known. */
export type AddIntent = Add & { at: number; sends: number };

export type Picture = {
  /** The whole path, container first. */
  image: string;
  group: string;
  /** NFC; absent on a probe. */
  person?: string;
  /** The life of the group and of the person that this picture belongs to. */
  generation: string;
  version: string;
  state: PictureState;
  reason?: FailureCode;
  detail?: string;
  /** Pixels of the upright original. */
  faceRectangle?: FaceRectangle;
  qualityForRecognition?: QualityForRecognition;
  /** The detected face, as long as Face keeps it. */
  seenAs?: { faceId: string; expiresAt: number };
  persisted?: PersistedFace;
  surplus: PersistedFace[];
  /** One for each add; what was sent last stands last. */
  intents: AddIntent[];
  /** Failures in a row that were not the picture's fault. */
  attempts?: number;
  /** Sent away from the quota gate: a doorbell rings then, and whoever comes before it goes again. */
  waitsUntil?: number;
  /** Milliseconds since 1970, as all times of the records. */
  receivedAt: number;
  updatedAt: number;
};

export type DetectedOnPicture = {
  /** Absent: Face is to find the one face when it adds it. */
  faceRectangle?: FaceRectangle;
  qualityForRecognition?: QualityForRecognition;
  seenAs?: { faceId: string; expiresAt: number };
};

type Known = { image: string; group: string; person?: string; generation: string };

/** The container holds this version. A version that is known already changes nothing. */
export function received(picture: Picture | undefined, known: Known, version: string, now: number): Picture {
  if (picture === undefined) {
    return {
      ...known,
      version,
      state: 'received',
      surplus: [],
      intents: [],
      receivedAt: now,
      updatedAt: now,
    };
  }
  if (picture.version === version && picture.state !== 'removed') return picture;
  const { persisted, surplus, intents } = picture;
  return {
    ...known,
    version,
    state: 'received',
    ...(persisted === undefined ? {} : { persisted }),
    surplus,
    intents,
    receivedAt: now,
    updatedAt: now,
  };
}

/** Face found the face to enroll on this version. */
export function detected(picture: Picture, version: string, face: DetectedOnPicture, now: number): Picture {
  if (picture.version !== version || picture.state !== 'received') return picture;
  const { waitsUntil: _waitsUntil, ...rest } = withoutAttempts(picture);
  return { ...rest, ...face, state: 'detected', updatedAt: now };
}

/** The probe was answered. */
export function identified(picture: Picture, version: string, now: number): Picture {
  if (picture.version !== version || picture.state !== 'received') return picture;
  return { ...picture, state: 'identified', updatedAt: now };
}

/** The picture is at fault: this version gives no face. */
export function rejected(
  picture: Picture,
  version: string,
  because: { reason: Rejection; detail?: string } & Partial<DetectedOnPicture>,
  now: number,
): Picture {
  return ended(picture, version, { ...because, state: 'rejected' }, now);
}

/** The picture is not at fault, and all attempts are used up. */
export function failed(
  picture: Picture,
  version: string,
  because: { reason: FailureCode; detail?: string },
  now: number,
): Picture {
  return ended(picture, version, { ...because, state: 'failed' }, now);
}

/** The blob is gone, or the person or group it belonged to. */
export function removed(picture: Picture, now: number): Picture {
  if (picture.state === 'removed') return picture;
  return ended(picture, picture.version, { state: 'removed' }, now);
}

function ended(
  picture: Picture,
  version: string,
  end: Partial<Picture> & Pick<Picture, 'state'>,
  now: number,
): Picture {
  if (picture.version !== version) return picture;
  const { reason: _reason, detail: _detail, ...rest } = picture;
  return { ...rest, ...end, updatedAt: now };
}

/** Something failed that is not the picture's fault; it is tried again. */
export function setBack(picture: Picture): Picture {
  return { ...picture, attempts: (picture.attempts ?? 0) + 1 };
}

/** Its turn at the quota gate is then, and a doorbell is to ring for it. */
export function sentAway(picture: Picture, until: number): Picture {
  return { ...picture, waitsUntil: until };
}

/** Whether a doorbell that is still to come will bring it forward; clocks may differ by a little. */
export function isInLine({ waitsUntil }: Picture, now: number): boolean {
  return waitsUntil !== undefined && waitsUntil > now + clockSkewMs;
}

const clockSkewMs = 500;

/**
 * It failed, and the cause is gone: it goes its way again from the start. A face of an earlier version that Face
 * still holds goes with the next outcome.
 */
export function redriven(picture: Picture, now: number): Picture {
  if (picture.state !== 'failed') return picture;
  const { reason: _reason, detail: _detail, waitsUntil: _waitsUntil, ...rest } = withoutAttempts(picture);
  return { ...rest, state: 'received', updatedAt: now };
}

/** Face does not have its person any more, and so not its face: it goes its way again. */
export function faceLost(picture: Picture, personId: string, now: number): Picture {
  const { persisted, ...rest } = picture;
  if (persisted?.personId !== personId || picture.state !== 'enrolled') return picture;
  return { ...rest, state: 'received', updatedAt: now };
}

/** Written before an add is sent, so that its face is looked for whatever happens. */
export function addIntended(picture: Picture, { version, personId }: Add, at: number): Picture {
  const add = { version, personId };
  const { sends } = picture.intents.find((intent) => isSameAdd(intent, add)) ?? { sends: 0 };
  const others = picture.intents.filter((intent) => !isSameAdd(intent, add));
  return { ...picture, intents: [...others, { ...add, at, sends: sends + 1 }] };
}

/**
 * The outcome of the last sending is known: Face answered it, or refused it. Only of the intent as it was then, so that
 * the write of this may be repeated, and another sending since stays in doubt.
 */
export function addEnded(picture: Picture, { at, sends, ...add }: AddIntent): Picture {
  const isEnded = (intent: AddIntent) => isSameAdd(intent, add) && intent.at === at && intent.sends === sends;
  if (!picture.intents.some(isEnded)) return picture;
  const intents = picture.intents
    .map((intent) => (isEnded(intent) ? { ...intent, sends: sends - 1 } : intent))
    .filter((intent) => intent.sends > 0);
  return { ...picture, intents };
}

/** Face holds this face for the picture. One of another version than the wanted one is surplus from the start. */
export function added(picture: Picture, face: PersistedFace, now: number): Picture {
  const next: Picture = { ...withoutAttempts(picture), updatedAt: now };
  if (namesFace(picture, face.faceId)) return next;
  const wanted = picture.version === face.version && picture.state === 'detected';
  if (!wanted) return { ...next, surplus: [...picture.surplus, face] };
  const surplus = picture.persisted === undefined ? picture.surplus : [...picture.surplus, picture.persisted];
  return { ...next, state: 'enrolled', persisted: face, surplus };
}

/**
 * Face was looked at for an add: it holds these faces of it, which no row named. The add stays in doubt until there are
 * as many as were sent, or its last sending was written by `landedUntil`: what has not landed yet never will.
 */
export function lookedFor(
  picture: Picture,
  add: Add,
  faces: readonly PersistedFace[],
  now: number,
  landedUntil: number,
): Picture {
  const intents = picture.intents.filter(
    (intent) => !isSameAdd(intent, add) || (intent.sends > faces.length && intent.at > landedUntil),
  );
  if (faces.length === 0 && intents.length === picture.intents.length) return picture;
  return faces.reduce((before, face) => added(before, face, now), { ...picture, intents });
}

function isSameAdd(one: Add, other: Add): boolean {
  return one.version === other.version && one.personId === other.personId;
}

/** Face does not hold this face any more. */
export function faceDeleted(picture: Picture, faceId: string, now: number): Picture {
  const { persisted, ...rest } = picture;
  return {
    ...rest,
    ...(persisted === undefined || persisted.faceId === faceId ? {} : { persisted }),
    surplus: picture.surplus.filter((face) => face.faceId !== faceId),
    updatedAt: now,
  };
}

/** The faces that Face holds and must not. */
export function facesToDelete(picture: Picture): PersistedFace[] {
  const { persisted } = picture;
  // While a newer version is on its way, the face of the earlier one stays; it goes when that version ends.
  const keeps = ['enrolled', 'detected', 'received'].includes(picture.state);
  return persisted === undefined || keeps ? picture.surplus : [...picture.surplus, persisted];
}

/** Whether the person's session has something to do for this picture, now or later. */
export function needsEnrollment(picture: Picture): boolean {
  return picture.state === 'detected' || picture.intents.length > 0 || facesToDelete(picture).length > 0;
}

/** Whether nothing is left to do. */
export function isSettled(picture: Picture): boolean {
  return picture.state !== 'received' && !needsEnrollment(picture);
}

function withoutAttempts(picture: Picture): Picture {
  const { attempts: _attempts, ...rest } = picture;
  return rest;
}

function namesFace(picture: Picture, faceId: string): boolean {
  return picture.persisted?.faceId === faceId || picture.surplus.some((face) => face.faceId === faceId);
}
