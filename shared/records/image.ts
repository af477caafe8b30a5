import { createHash } from 'node:crypto';
import { groupRejections, type FailureCode, type GroupRejection, type Rejection } from '../errors/errors.ts';
import type { FaceRectangle, QualityForRecognition } from '../face/types.ts';
import { containers } from '../config/resources.ts';

/**
 * The record of an image: the status of one path in a container.
 *
 *   enroll:    received → detected → enrolled
 *   identify:  received → identified
 *   both:      any → rejected (the picture is at fault), failed (it is not), removed (the blob is gone)
 *   any → received when the path is written again with other bytes; a probe, whatever its bytes
 *
 * `etag` is the version of the blob that was seen last, for reads under a condition alone; `content` are the bytes of
 * which the state speaks. Who writes the same bytes again, or only touches the blob, changes nothing. What Face holds
 * for the picture stands apart from the state, since Face follows later: `persisted` is the face that names its person,
 * of these bytes or, until their own face is there, of earlier ones; `orphanedFaces` are faces that must go; `intents` are
 * adds whose outcome is not known. A later change of the picture leaves them as they are.
 *
 * Invariants:
 * - an enrolled picture has exactly one persisted face, that of its content;
 * - a received picture has no face that was found: it is to be detected;
 * - a rejected or removed picture, and one of a new life, has no persisted face: nobody is named by it any more;
 * - a face that Face may hold is named by `persisted` or `orphanedFaces`, or has an intent of its own with the content and
 *   the person that it was sent for, until it is known to be gone;
 * - a picture is settled exactly if Face holds what its state says and nothing is in doubt.
 *
 * The functions below are the transitions. Each is right in every state, because any other may have come first. Where
 * they take what was `seen`, they do nothing if the picture has other bytes by now.
 */
export type ImageState =
  'received' | 'detected' | 'enrolled' | 'identified' | 'rejected' | 'failed' | 'removed';

export const imageStates = [
  'received',
  'detected',
  'enrolled',
  'identified',
  'rejected',
  'failed',
  'removed',
] as const satisfies readonly ImageState[];

/** What a detection found on the bytes; it stays with the face, so that equal bytes need no second detection. */
export type FoundFace = {
  /** Pixels of the upright original. Absent: Face is to find the one face when it adds it. */
  faceRectangle?: FaceRectangle;
  qualityForRecognition?: QualityForRecognition;
  /** The part of the upright original that shows it to Face; absent: the whole picture does. */
  part?: FaceRectangle;
};

/** A face that was seen on a part of a picture, with an ID that Face keeps until then. */
export type FaceOnPart = {
  faceId: string;
  expiresAt: number;
  faceRectangle: FaceRectangle;
  faceAttributes?: { qualityForRecognition?: QualityForRecognition };
  part: FaceRectangle;
};

/** How many parts of a picture have been looked at, since nobody was found on the whole of this size, and whom they show. */
export type PartsLookedAt = {
  content: string;
  size: { width: number; height: number };
  count: number;
  faces: FaceOnPart[];
};

/** What is added to which person in Face, in which life of that person. */
export type Add = { content: string; personId: string; life: string };

export type PersistedFace = Add & { faceId: string; found?: FoundFace };

/** `at`: when the add was sent last; `sends`: how often, without those whose outcome is known. */
export type AddIntent = Add & { found: FoundFace; at: number; sends: number };

export type ImageRecord = {
  /** The whole path, container first. */
  image: string;
  group: string;
  /** NFC; absent on a probe. */
  person?: string;
  /** The life of the group and of the person that this picture belongs to. */
  generation: string;
  etag: string;
  /** Size of the blob. */
  bytes: number;
  /** The bytes of which the state speaks, as `contentOf` tells them; absent until they were read. */
  content?: string;
  state: ImageState;
  reason?: FailureCode;
  detail?: string;
  /** The detected face, as long as Face keeps it. */
  seenAs?: { faceId: string; expiresAt: number };
  persisted?: PersistedFace;
  orphanedFaces: PersistedFace[];
  /** One for each add; what was sent last stands last. */
  intents: AddIntent[];
  /** What a policy of the group before this version of its settings refuses is looked at again. */
  policyVersion?: number;
  /** What has been paid for already of a detection that takes several calls. */
  parts?: PartsLookedAt;
  /** Failures in a row that were not the picture's fault. */
  attempts?: number;
  /** Deferred by the rate limiter until then, when its own message arrives; earlier messages do nothing. */
  waitsUntil?: number;
  /** Milliseconds since 1970, as all times of the records. */
  receivedAt: number;
  updatedAt: number;
} & FoundFace;

export type DetectedOnImage = FoundFace & { seenAs?: { faceId: string; expiresAt: number } };

/** A picture as it was seen, and what its bytes are, once they were read. */
export type SeenImage = Pick<ImageRecord, 'etag' | 'content' | 'policyVersion'>;

/** Where a picture lies, and to which life of its group and person it belongs. */
export type KnownPlace = Pick<ImageRecord, 'image' | 'group' | 'person' | 'generation'>;
type BlobVersion = Pick<ImageRecord, 'etag' | 'bytes'>;

/** Tells bytes from others: their number and their SHA-256, in hexadecimal. */
export function contentOf(bytes: Uint8Array): string {
  return `${bytes.length}.${createHash('sha256').update(bytes).digest('hex')}`;
}

export function sha256In(content: string): string {
  return content.slice(content.indexOf('.') + 1);
}

/**
 * What tells one version of a picture from another. A face stays with its bytes; a probe is answered anew whenever it
 * is written.
 */
export function versionOf({ image, etag }: Pick<ImageRecord, 'image' | 'etag'>, content: string): string {
  return image.startsWith(`${containers.enroll}/`) ? content : etag;
}

/** Whether a face that was seen on this version is on the picture: its bytes lie there, or its face still stands. */
export function shows(picture: ImageRecord, version: string): boolean {
  const { content = '', persisted } = picture;
  return versionOf(picture, content) === version || persisted?.content === version;
}

/** The container holds this version. A version that is known already changes nothing. */
export function received(
  picture: ImageRecord | undefined,
  known: KnownPlace,
  blob: BlobVersion,
  now: number,
): ImageRecord {
  const fresh = { ...known, ...blob, state: 'received' as const, receivedAt: now, updatedAt: now };
  if (picture === undefined) return { ...fresh, orphanedFaces: [], intents: [] };
  if (picture.etag === blob.etag && picture.state !== 'removed') return picture;
  const { persisted, orphanedFaces, intents } = picture;
  if (persisted === undefined) return { ...fresh, orphanedFaces, intents };
  return picture.generation === known.generation
    ? { ...fresh, persisted, orphanedFaces, intents }
    : { ...fresh, orphanedFaces: [...orphanedFaces, persisted], intents };
}

/** Whether only the bytes can tell if another version is another picture. Another size proves that it is. */
export function isToBeCompared(picture: ImageRecord, { etag, bytes }: BlobVersion): boolean {
  return (
    picture.etag !== etag &&
    picture.bytes === bytes &&
    picture.content !== undefined &&
    picture.person !== undefined &&
    ['detected', 'enrolled', 'rejected', 'failed'].includes(picture.state)
  );
}

/** The container holds another version, of these bytes: the same ones change nothing. */
export function rewritten(
  picture: ImageRecord | undefined,
  known: KnownPlace,
  blob: BlobVersion,
  content: string,
  now: number,
): ImageRecord {
  const hasSameBytes = picture?.content === content && picture.generation === known.generation;
  return hasSameBytes && isToBeCompared(picture, blob)
    ? { ...picture, ...blob }
    : received(picture, known, blob, now);
}

/**
 * The bytes have been read. If their face stands in Face or is on its way there, since they have been here before,
 * nobody is asked about them again.
 */
export function recognized(picture: ImageRecord, seen: SeenImage, content: string, now: number): ImageRecord {
  if (picture.state !== 'received' || !isSame(picture, seen)) return picture;
  const { persisted, intents, generation } = picture;
  const known = { ...withoutProgress(picture), content, updatedAt: now };
  if (persisted?.content === content) return { ...known, ...persisted.found, state: 'enrolled' };
  const intent = intents.findLast((add) => add.content === content && add.life === generation);
  return intent === undefined ? picture : { ...known, ...intent.found, state: 'detected' };
}

/** Another part of these bytes has been looked at. */
export function partLookedAt(picture: ImageRecord, seen: SeenImage, parts: PartsLookedAt): ImageRecord {
  return picture.state === 'received' && isSame(picture, seen) ? { ...picture, parts } : picture;
}

/** Face found the face to enroll on these bytes. */
export function detected(
  picture: ImageRecord,
  seen: SeenImage,
  face: DetectedOnImage,
  now: number,
): ImageRecord {
  if (picture.state !== 'received' || !isSame(picture, seen)) return picture;
  return { ...withoutProgress(picture), ...contentIn(seen), ...face, state: 'detected', updatedAt: now };
}

/** What was taken for granted of these bytes without a detection does not hold: they are to be detected. */
export function undetected(picture: ImageRecord, seen: SeenImage, now: number): ImageRecord {
  return picture.state === 'detected' && isSame(picture, seen) ? lookedAtFromStart(picture, now) : picture;
}

/** The probe was answered. */
export function identified(picture: ImageRecord, seen: SeenImage, now: number): ImageRecord {
  if (picture.state !== 'received' || !isSame(picture, seen)) return picture;
  return { ...picture, ...contentIn(seen), state: 'identified', updatedAt: now };
}

/**
 * The picture is at fault: these bytes give no face, and the face of earlier ones goes. What a policy refused that holds
 * no more, or a group that has come into being since, is looked at again instead.
 */
export function rejected(
  picture: ImageRecord,
  seen: SeenImage,
  because: { reason: Rejection; detail?: string } & Partial<DetectedOnImage>,
  now: number,
): ImageRecord {
  if (!isSame(picture, seen)) return picture;
  const isByGroup = groupRejections.some((rejection) => rejection === because.reason);
  if (isByGroup && (picture.policyVersion ?? 0) > (seen.policyVersion ?? 0))
    return lookedAtFromStart(picture, now);
  return withoutFace(ended(picture, { ...contentIn(seen), ...because, state: 'rejected' }, now));
}

/** The picture is not at fault, and all attempts are used up. The face of earlier bytes goes on naming its person. */
export function failed(
  picture: ImageRecord,
  seen: SeenImage,
  because: { reason: FailureCode; detail?: string },
  now: number,
): ImageRecord {
  return isSame(picture, seen)
    ? ended(picture, { ...contentIn(seen), ...because, state: 'failed' }, now)
    : picture;
}

/** The blob is gone, or the person or group it belonged to. */
export function removed(picture: ImageRecord, now: number): ImageRecord {
  return picture.state === 'removed' ? picture : withoutFace(ended(picture, { state: 'removed' }, now));
}

function ended(
  picture: ImageRecord,
  end: Partial<ImageRecord> & Pick<ImageRecord, 'state'>,
  now: number,
): ImageRecord {
  const { reason: _reason, detail: _detail, parts: _parts, ...rest } = picture;
  return { ...rest, ...end, updatedAt: now };
}

/** The face that stands goes. */
function withoutFace({ persisted, ...rest }: ImageRecord): ImageRecord {
  return persisted === undefined ? rest : { ...rest, orphanedFaces: [...rest.orphanedFaces, persisted] };
}

function contentIn({ content }: SeenImage): { content?: string } {
  return content === undefined ? {} : { content };
}

/** The same version of the blob, or another of the same bytes. */
function isSame(picture: ImageRecord, seen: SeenImage): boolean {
  return picture.etag === seen.etag || (seen.content !== undefined && picture.content === seen.content);
}

/** Something failed that is not the picture's fault; it is tried again. */
export function attemptFailed(picture: ImageRecord): ImageRecord {
  return { ...picture, attempts: (picture.attempts ?? 0) + 1 };
}

/** Deferred by the rate limiter: its own scheduled message arrives at that time. */
export function deferredUntil(picture: ImageRecord, until: number): ImageRecord {
  return { ...picture, waitsUntil: until };
}

/** Whether the scheduled message of a deferred image is still to arrive; clocks may differ by a little. */
export function isDeferred({ waitsUntil }: ImageRecord, now: number): boolean {
  return waitsUntil !== undefined && waitsUntil > now + clockSkewMs;
}

const clockSkewMs = 500;

/**
 * It was refused or failed, and is to be looked at again from the start. A face of earlier bytes that Face still holds
 * goes with the next outcome.
 */
export function lookedAtAgain(picture: ImageRecord, now: number): ImageRecord {
  return picture.state === 'failed' || picture.state === 'rejected'
    ? lookedAtFromStart(picture, now)
    : picture;
}

function lookedAtFromStart(picture: ImageRecord, now: number): ImageRecord {
  const { reason: _reason, detail: _detail, ...rest } = withoutFound(withoutProgress(picture));
  return { ...rest, state: 'received', updatedAt: now };
}

/**
 * From this version of its settings on, the group admits what was refused for such reasons. A picture that was
 * refused so is looked at again, once; one that is at work was perhaps judged by the earlier policy.
 */
export function reconsidered(
  picture: ImageRecord,
  { version, reasons }: { version: number; reasons: readonly GroupRejection[] },
  now: number,
): ImageRecord {
  const { state, reason, policyVersion = 0 } = picture;
  if (policyVersion >= version) return picture;
  if (state === 'received' || state === 'detected') return { ...picture, policyVersion: version };
  if (state !== 'rejected' || !reasons.some((admitted) => admitted === reason)) return picture;
  return { ...lookedAtFromStart(picture, now), policyVersion: version };
}

/** Face does not have its person any more, and so not its face: an enrolled picture goes its way again. */
export function faceLost(picture: ImageRecord, personId: string, now: number): ImageRecord {
  const { persisted, ...rest } = picture;
  if (persisted?.personId !== personId) return picture;
  return picture.state === 'enrolled'
    ? { ...withoutFound(rest), state: 'received', updatedAt: now }
    : { ...rest, updatedAt: now };
}

/** Written before an add is sent, so that its face is looked for whatever happens. */
export function addIntended(picture: ImageRecord, { content, personId, life }: Add, at: number): ImageRecord {
  const add = { content, personId, life };
  const { sends } = picture.intents.find((intent) => isSameAdd(intent, add)) ?? { sends: 0 };
  const others = picture.intents.filter((intent) => !isSameAdd(intent, add));
  const intent = { ...add, found: foundOn(picture), at, sends: sends + 1 };
  return { ...picture, intents: [...others, intent] };
}

function foundOn({ faceRectangle, qualityForRecognition, part }: ImageRecord): FoundFace {
  return {
    ...(part === undefined ? {} : { part }),
    ...(faceRectangle === undefined ? {} : { faceRectangle }),
    ...(qualityForRecognition === undefined ? {} : { qualityForRecognition }),
  };
}

/**
 * The outcome of the last sending is known: Face answered it, or refused it. Only of the intent as it was then, so that
 * the write of this may be repeated, and another sending since stays in doubt.
 */
export function addEnded(picture: ImageRecord, { at, sends, ...add }: AddIntent): ImageRecord {
  const isEnded = (intent: AddIntent) => isSameAdd(intent, add) && intent.at === at && intent.sends === sends;
  if (!picture.intents.some(isEnded)) return picture;
  const intents = picture.intents
    .map((intent) => (isEnded(intent) ? { ...intent, sends: sends - 1 } : intent))
    .filter((intent) => intent.sends > 0);
  return { ...picture, intents };
}

/** Face holds this face for the picture. A face of other bytes than the wanted ones is orphaned from the start. */
export function added(picture: ImageRecord, face: PersistedFace, now: number): ImageRecord {
  const next: ImageRecord = { ...withoutAttempts(picture), updatedAt: now };
  if (namesFace(picture, face.faceId)) return next;
  const wanted =
    picture.state === 'detected' && picture.content === face.content && picture.generation === face.life;
  if (!wanted) return { ...next, orphanedFaces: [...picture.orphanedFaces, face] };
  const { orphanedFaces } = withoutFace(picture);
  return { ...next, state: 'enrolled', persisted: { ...face, found: foundOn(picture) }, orphanedFaces };
}

/**
 * Face was looked at for an add: it holds these faces of it, which no row named. The add stays in doubt until there are
 * as many as were sent, or its last sending was written by `landedUntil`: what has not landed yet never will.
 */
export function lookedFor(
  picture: ImageRecord,
  add: Add,
  faces: readonly PersistedFace[],
  now: number,
  landedUntil: number,
): ImageRecord {
  const intents = picture.intents.filter(
    (intent) => !isSameAdd(intent, add) || (intent.sends > faces.length && intent.at > landedUntil),
  );
  if (faces.length === 0 && intents.length === picture.intents.length) return picture;
  return faces.reduce((before, face) => added(before, face, now), { ...picture, intents });
}

function isSameAdd(one: Add, other: Add): boolean {
  return one.content === other.content && one.personId === other.personId;
}

/** Face does not hold this face any more. */
export function faceDeleted(picture: ImageRecord, faceId: string, now: number): ImageRecord {
  const { persisted, ...rest } = picture;
  return {
    ...rest,
    ...(persisted === undefined || persisted.faceId === faceId ? {} : { persisted }),
    orphanedFaces: picture.orphanedFaces.filter((face) => face.faceId !== faceId),
    updatedAt: now,
  };
}

/** Whether the person's session has something to do for this picture, now or later. */
export function needsEnrollment(picture: ImageRecord): boolean {
  return picture.state === 'detected' || picture.intents.length > 0 || picture.orphanedFaces.length > 0;
}

/** Whether nothing is left to do. */
export function isSettled(picture: ImageRecord): boolean {
  return picture.state !== 'received' && !needsEnrollment(picture);
}

/** A picture that is to be detected: what an earlier detection found does not count. */
function withoutFound(picture: ImageRecord): ImageRecord {
  const {
    faceRectangle: _faceRectangle,
    qualityForRecognition: _quality,
    part: _part,
    seenAs: _seenAs,
    ...rest
  } = picture;
  return rest;
}

/** The way goes on from a new state: what was waited for, tried and looked at on the last stretch is over. */
function withoutProgress(picture: ImageRecord): ImageRecord {
  const { waitsUntil: _waitsUntil, parts: _parts, ...rest } = withoutAttempts(picture);
  return rest;
}

function withoutAttempts(picture: ImageRecord): ImageRecord {
  const { attempts: _attempts, ...rest } = picture;
  return rest;
}

function namesFace(picture: ImageRecord, faceId: string): boolean {
  return picture.persisted?.faceId === faceId || picture.orphanedFaces.some((face) => face.faceId === faceId);
}
