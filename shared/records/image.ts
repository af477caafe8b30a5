import { createHash } from 'node:crypto';
import { failures, type FailureCode, type GroupRejection, type Rejection } from '../errors/errors.ts';
import type { FaceRectangle, QualityForRecognition } from '../face/types.ts';
import { brokerClockSkewMs, containers } from '../config/resources.ts';

/**
 * The record of an image: the status of one path in a container.
 *
 *   enroll:    received → detected → enrolled
 *   identify:  received → identified
 *   both:      any → rejected (the image is at fault), failed (the image is not at fault), removed (the blob is gone)
 *   any → received when the path is written again: an enroll image with other bytes, a probe with any bytes
 *
 * `etag` is the version of the blob that was seen last and serves conditional reads only; `content` identifies the
 * bytes that the state describes. Writing the same bytes again, or only touching the blob, does not change the state of
 * an enroll image. What Face holds for the image is recorded apart from the state, because Face is updated later:
 * `persisted` is the face that represents the person, taken from the current bytes or, until the face of these bytes is
 * added, from earlier bytes; `orphanedFaces` are faces that have to be deleted; `intents` are write-ahead intents of
 * adds whose outcome is unknown. A later change of the image leaves faces and intents as they are.
 *
 * Invariants:
 * - an enrolled image has exactly one persisted face, that of its content;
 * - a received image has no detected face: detection is still to be done;
 * - a rejected or removed image, and an image of a new generation, has no persisted face and so identifies no one;
 * - every face that Face may hold is in `persisted` or `orphanedFaces`, or has its own intent with the content and the
 *   person of the add, until the face is known to be gone;
 * - an image is settled exactly if Face holds what the image's state says and no add is in doubt.
 *
 * The functions below are the transitions. Each transition is valid in every state, because any other transition may
 * have come first. A transition that takes `seen` does nothing if the image has other bytes by now.
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

/** The result of a detection; it is kept with the persisted face, so that equal bytes need no second detection. */
export type FoundFace = {
  /** In pixels of the upright original. Absent: Face itself has to find the only face when the face is added. */
  faceRectangle?: FaceRectangle;
  qualityForRecognition?: QualityForRecognition;
  /** The part of the upright original that is sent to Face; absent: the whole image is sent. */
  part?: FaceRectangle;
};

/** A face that was detected on a part of an image, with a face ID that Face keeps until `expiresAt`. */
export type FaceOnPart = {
  faceId: string;
  expiresAt: number;
  faceRectangle: FaceRectangle;
  faceAttributes?: { qualityForRecognition?: QualityForRecognition };
  part: FaceRectangle;
};

/**
 * Progress of detecting on parts of an image, after no face was found on the whole image of `size`: how many parts have
 * been searched, and the faces found on them.
 */
export type PartsLookedAt = {
  content: string;
  size: { width: number; height: number };
  count: number;
  faces: FaceOnPart[];
};

/** Which content is added to which person in Face; `generation` is the generation of that person. */
export type Add = { content: string; personId: string; generation: string };

export type PersistedFace = Add & { faceId: string; found?: FoundFace };

/** `at`: when the add was last sent; `sends`: number of sends whose outcome is unknown. */
export type AddIntent = Add & { found: FoundFace; at: number; sends: number };

export type ImageRecord = {
  /** The whole path, container first. */
  image: string;
  group: string;
  /** Name in NFC; absent on a probe. */
  person?: string;
  /** The generation of the group and of the person to which the image belongs. */
  generation: string;
  etag: string;
  /** Size of the blob in bytes. */
  bytes: number;
  /** Identifies the bytes that the state describes, in the form of `contentOf`; absent until the bytes were read. */
  content?: string;
  state: ImageState;
  reason?: FailureCode;
  detail?: string;
  /** The face ID of the detection, valid in Face until `expiresAt`. */
  seenAs?: { faceId: string; expiresAt: number };
  persisted?: PersistedFace;
  orphanedFaces: PersistedFace[];
  /** One intent per add; the add that was sent last is the last element. */
  intents: AddIntent[];
  /** A rejection under settings of the group older than this version is reconsidered. */
  policyVersion?: number;
  /** Results already obtained of a detection that takes several calls to Face. */
  parts?: PartsLookedAt;
  /** Failures since the last step for which the image was not at fault; those of an outage are `outages`. */
  attempts?: number;
  outages?: number;
  /**
   * Until this time the image is deferred by the rate limiter; a scheduled message arrives then, and earlier messages
   * are ignored.
   */
  waitsUntil?: number;
  /** Milliseconds since 1970, like all times in records. */
  receivedAt: number;
  updatedAt: number;
} & FoundFace;

export type DetectedOnImage = FoundFace & { seenAs?: { faceId: string; expiresAt: number } };

/** The version of an image on which an observation was made; `content` is set once the bytes were read. */
export type SeenImage = Pick<ImageRecord, 'etag' | 'content' | 'policyVersion'>;

/** The path of an image, and its group and person with their generation. */
export type KnownPlace = Pick<ImageRecord, 'image' | 'group' | 'person' | 'generation'>;
type BlobVersion = Pick<ImageRecord, 'etag' | 'bytes'>;

/** Identifies bytes as `{length}.{SHA-256 in hexadecimal}`. */
export function contentOf(bytes: Uint8Array): string {
  return `${bytes.length}.${createHash('sha256').update(bytes).digest('hex')}`;
}

export function sha256In(content: string): string {
  return content.slice(content.indexOf('.') + 1);
}

/**
 * Identifies a version of an image: by content for an enroll image, because its face stays valid for equal bytes; by
 * ETag for a probe, because a probe is identified again whenever it is written.
 */
export function versionOf({ image, etag }: Pick<ImageRecord, 'image' | 'etag'>, content: string): string {
  return image.startsWith(`${containers.enroll}/`) ? content : etag;
}

/** Whether the image still shows a face of this version: the version is current, or its persisted face still exists. */
export function shows(image: ImageRecord, version: string): boolean {
  const { content = '', persisted } = image;
  return versionOf(image, content) === version || persisted?.content === version;
}

/** The container holds this version of the blob. A known version changes nothing, unless the image was removed. */
export function received(
  image: ImageRecord | undefined,
  known: KnownPlace,
  blob: BlobVersion,
  now: number,
): ImageRecord {
  const fresh = { ...known, ...blob, state: 'received' as const, receivedAt: now, updatedAt: now };
  if (image === undefined) return { ...fresh, orphanedFaces: [], intents: [] };
  if (image.etag === blob.etag && image.state !== 'removed') return image;
  const { persisted, orphanedFaces, intents } = image;
  if (persisted === undefined) return { ...fresh, orphanedFaces, intents };
  return image.generation === known.generation
    ? { ...fresh, persisted, orphanedFaces, intents }
    : { ...fresh, orphanedFaces: [...orphanedFaces, persisted], intents };
}

/** Whether the bytes have to be read to know if a new ETag means new content. A new size proves new content. */
export function isToBeCompared(image: ImageRecord, { etag, bytes }: BlobVersion): boolean {
  return (
    image.etag !== etag &&
    image.bytes === bytes &&
    image.content !== undefined &&
    image.person !== undefined &&
    ['detected', 'enrolled', 'rejected', 'failed'].includes(image.state)
  );
}

/** The container holds another version of the blob: for a processed enroll image, equal content changes only `etag`. */
export function rewritten(
  image: ImageRecord | undefined,
  known: KnownPlace,
  blob: BlobVersion,
  content: string,
  now: number,
): ImageRecord {
  const hasSameBytes = image?.content === content && image.generation === known.generation;
  return hasSameBytes && isToBeCompared(image, blob)
    ? { ...image, ...blob }
    : received(image, known, blob, now);
}

/**
 * The bytes have been read. If Face holds a face of equal bytes for this image, or an add of equal bytes is in doubt,
 * no second detection is needed.
 */
export function recognized(image: ImageRecord, seen: SeenImage, content: string, now: number): ImageRecord {
  if (image.state !== 'received' || !isSame(image, seen)) return image;
  const { persisted, intents, generation } = image;
  const known = { ...withoutProgress(image), content, updatedAt: now };
  if (persisted?.content === content) return { ...known, ...persisted.found, state: 'enrolled' };
  const intent = intents.findLast((add) => add.content === content && add.generation === generation);
  return intent === undefined ? image : { ...known, ...intent.found, state: 'detected' };
}

/** Another part of the image has been searched for faces. */
export function partLookedAt(image: ImageRecord, seen: SeenImage, parts: PartsLookedAt): ImageRecord {
  return image.state === 'received' && isSame(image, seen) ? { ...image, parts } : image;
}

/** A detection found the face to enroll. */
export function detected(
  image: ImageRecord,
  seen: SeenImage,
  face: DetectedOnImage,
  now: number,
): ImageRecord {
  if (image.state !== 'received' || !isSame(image, seen)) return image;
  return { ...withoutProgress(image), ...contentIn(seen), ...face, state: 'detected', updatedAt: now };
}

/** An assumption made about the image without a detection has turned out wrong: detection is to be done. */
export function undetected(image: ImageRecord, seen: SeenImage, now: number): ImageRecord {
  return image.state === 'detected' && isSame(image, seen) ? lookedAtFromStart(image, now) : image;
}

/** Identification of the probe has been answered. */
export function identified(image: ImageRecord, seen: SeenImage, now: number): ImageRecord {
  if (image.state !== 'received' || !isSame(image, seen)) return image;
  return { ...image, ...contentIn(seen), state: 'identified', updatedAt: now };
}

/**
 * The image is at fault: its bytes give no face to enroll, and the persisted face of earlier bytes is orphaned. The
 * image returns to `received` instead if the rejection depends on the group and the group has admitted more, or has
 * been created, since the image was judged.
 */
export function rejected(
  image: ImageRecord,
  seen: SeenImage,
  because: { reason: Rejection; detail?: string } & Partial<DetectedOnImage>,
  now: number,
): ImageRecord {
  if (!isSame(image, seen)) return image;
  const isByGroup = failures[because.reason].dependsOnGroup === true;
  if (isByGroup && (image.policyVersion ?? 0) > (seen.policyVersion ?? 0))
    return lookedAtFromStart(image, now);
  return withoutFace(ended(image, { ...contentIn(seen), ...because, state: 'rejected' }, now));
}

/** The image is not at fault, and its failure does not pass or has not passed after all attempts. A persisted face of earlier bytes stays in use. */
export function failed(
  image: ImageRecord,
  seen: SeenImage,
  because: { reason: FailureCode; detail?: string },
  now: number,
): ImageRecord {
  return isSame(image, seen) ? ended(image, { ...contentIn(seen), ...because, state: 'failed' }, now) : image;
}

/** The blob is gone, or the image's person or group is gone. */
export function removed(image: ImageRecord, now: number): ImageRecord {
  return image.state === 'removed' ? image : withoutFace(ended(image, { state: 'removed' }, now));
}

function ended(
  image: ImageRecord,
  end: Partial<ImageRecord> & Pick<ImageRecord, 'state'>,
  now: number,
): ImageRecord {
  const { reason: _reason, detail: _detail, parts: _parts, ...rest } = image;
  return { ...rest, ...end, updatedAt: now };
}

/** Moves the persisted face to the orphaned faces. */
function withoutFace({ persisted, ...rest }: ImageRecord): ImageRecord {
  return persisted === undefined ? rest : { ...rest, orphanedFaces: [...rest.orphanedFaces, persisted] };
}

function contentIn({ content }: SeenImage): { content?: string } {
  return content === undefined ? {} : { content };
}

/** Whether the image still has the version that was seen, or another version with equal content. */
function isSame(image: ImageRecord, seen: SeenImage): boolean {
  return image.etag === seen.etag || (seen.content !== undefined && image.content === seen.content);
}

/** An attempt failed for which the image was not at fault; the image is retried. */
export function attemptFailed(image: ImageRecord, { isOutage }: { isOutage: boolean }): ImageRecord {
  if (isOutage) return { ...image, outages: (image.outages ?? 0) + 1 };
  return { ...image, attempts: (image.attempts ?? 0) + 1 };
}

/** The image is deferred by the rate limiter; a scheduled message arrives at `until`. */
export function deferredUntil(image: ImageRecord, until: number): ImageRecord {
  return { ...image, waitsUntil: until };
}

/** Whether the scheduled message of a deferred image is still to arrive, allowing for the skew of clocks. */
export function isDeferred({ waitsUntil }: ImageRecord, now: number): boolean {
  return waitsUntil !== undefined && waitsUntil > now + brokerClockSkewMs;
}

/**
 * Returns a rejected or failed image to `received`. A persisted face of earlier bytes is orphaned by the next outcome.
 */
export function lookedAtAgain(image: ImageRecord, now: number): ImageRecord {
  return image.state === 'failed' || image.state === 'rejected' ? lookedAtFromStart(image, now) : image;
}

function lookedAtFromStart(image: ImageRecord, now: number): ImageRecord {
  const { reason: _reason, detail: _detail, ...rest } = withoutFound(withoutProgress(image));
  return { ...rest, state: 'received', updatedAt: now };
}

/**
 * From settings version `version` on, the group admits images that were rejected for `reasons`. An image rejected for
 * such a reason returns to `received`, once. An image still in progress is marked with the version, because it may have
 * been judged by the earlier policy.
 */
export function reconsidered(
  image: ImageRecord,
  { version, reasons }: { version: number; reasons: readonly GroupRejection[] },
  now: number,
): ImageRecord {
  const { state, reason, policyVersion = 0 } = image;
  if (policyVersion >= version) return image;
  if (state === 'received' || state === 'detected') return { ...image, policyVersion: version };
  if (state !== 'rejected' || !reasons.some((admitted) => admitted === reason)) return image;
  return { ...lookedAtFromStart(image, now), policyVersion: version };
}

/** Face has lost the person and with it the persisted face: an enrolled image returns to `received`. */
export function faceLost(image: ImageRecord, personId: string, now: number): ImageRecord {
  const { persisted, ...rest } = image;
  if (persisted?.personId !== personId) return image;
  return image.state === 'enrolled'
    ? { ...withoutFound(rest), state: 'received', updatedAt: now }
    : { ...rest, updatedAt: now };
}

/** Records a write-ahead intent before an add is sent, so that the face is searched for whatever happens. */
export function addIntended(
  image: ImageRecord,
  { content, personId, generation }: Add,
  at: number,
): ImageRecord {
  const add = { content, personId, generation };
  const { sends } = image.intents.find((intent) => isSameAdd(intent, add)) ?? { sends: 0 };
  const others = image.intents.filter((intent) => !isSameAdd(intent, add));
  const intent = { ...add, found: foundOn(image), at, sends: sends + 1 };
  return { ...image, intents: [...others, intent] };
}

function foundOn({ faceRectangle, qualityForRecognition, part }: ImageRecord): FoundFace {
  return {
    ...(part !== undefined && { part }),
    ...(faceRectangle !== undefined && { faceRectangle }),
    ...(qualityForRecognition !== undefined && { qualityForRecognition }),
  };
}

/**
 * The outcome of the last send of an add is known: Face answered or refused the add. Only an intent with equal `at` and
 * `sends` is changed, so that this write may be repeated and a later send stays in doubt.
 */
export function addEnded(image: ImageRecord, { at, sends, ...add }: AddIntent): ImageRecord {
  const isEnded = (intent: AddIntent) => isSameAdd(intent, add) && intent.at === at && intent.sends === sends;
  if (!image.intents.some(isEnded)) return image;
  const intents = image.intents
    .map((intent) => (isEnded(intent) ? { ...intent, sends: sends - 1 } : intent))
    .filter((intent) => intent.sends > 0);
  return { ...image, intents };
}

/** Face holds this face for the image. A face that does not match the image's present content is orphaned at once. */
export function added(image: ImageRecord, face: PersistedFace, now: number): ImageRecord {
  const next: ImageRecord = { ...withoutAttempts(image), updatedAt: now };
  if (namesFace(image, face.faceId)) return next;
  const wanted =
    image.state === 'detected' && image.content === face.content && image.generation === face.generation;
  if (!wanted) return { ...next, orphanedFaces: [...image.orphanedFaces, face] };
  const { orphanedFaces } = withoutFace(image);
  return { ...next, state: 'enrolled', persisted: { ...face, found: foundOn(image) }, orphanedFaces };
}

/**
 * A search in Face for the faces of an add has found `faces`, which no row named. The add stays in doubt until as many
 * faces were found as were sent, or until the last send is not later than `landedUntil`: a send of that age that has
 * not taken effect in Face never will.
 */
export function lookedFor(
  image: ImageRecord,
  add: Add,
  faces: readonly PersistedFace[],
  now: number,
  landedUntil: number,
): ImageRecord {
  const intents = image.intents.filter(
    (intent) => !isSameAdd(intent, add) || (intent.sends > faces.length && intent.at > landedUntil),
  );
  if (faces.length === 0 && intents.length === image.intents.length) return image;
  return faces.reduce((before, face) => added(before, face, now), { ...image, intents });
}

function isSameAdd(one: Add, other: Add): boolean {
  return one.content === other.content && one.personId === other.personId;
}

/** Face no longer holds this face. */
export function faceDeleted(image: ImageRecord, faceId: string, now: number): ImageRecord {
  const { persisted, ...rest } = image;
  return {
    ...rest,
    ...(persisted === undefined || persisted.faceId === faceId ? {} : { persisted }),
    orphanedFaces: image.orphanedFaces.filter((face) => face.faceId !== faceId),
    updatedAt: now,
  };
}

/** Whether the reconcile of the person has something to do for this image, now or later. */
export function needsEnrollment(image: ImageRecord): boolean {
  return image.state === 'detected' || image.intents.length > 0 || image.orphanedFaces.length > 0;
}

/** Whether nothing is left to do for the image. */
export function isSettled(image: ImageRecord): boolean {
  return image.state !== 'received' && !needsEnrollment(image);
}

/** Removes the results of an earlier detection from an image that is to be detected. */
function withoutFound(image: ImageRecord): ImageRecord {
  const {
    faceRectangle: _faceRectangle,
    qualityForRecognition: _quality,
    part: _part,
    seenAs: _seenAs,
    ...rest
  } = image;
  return rest;
}

/** Removes deferral, attempts and searched parts, which belong to the previous state. */
function withoutProgress(image: ImageRecord): ImageRecord {
  const { waitsUntil: _waitsUntil, parts: _parts, ...rest } = withoutAttempts(image);
  return rest;
}

function withoutAttempts(image: ImageRecord): ImageRecord {
  const { attempts: _attempts, outages: _outages, ...rest } = image;
  return rest;
}

function namesFace(image: ImageRecord, faceId: string): boolean {
  return image.persisted?.faceId === faceId || image.orphanedFaces.some((face) => face.faceId === faceId);
}
