import type { FaceClient } from '../face/client.ts';
import type { DetectedFace, FaceRectangle } from '../face/types.ts';
import { isFaceError } from '../face/errors.ts';
import { RollcallError } from '../errors/errors.ts';
import type { FaceIds, SeenFace } from '../records/faceIds.ts';
import type { Groups } from '../records/groups.ts';
import type { DetectedOnImage, PartsLookedAt, ImageRecord } from '../records/image.ts';
import type { Settings } from '../config/settings.ts';
import type { Size } from '../images/formats.ts';
import { faceToEnroll, policyOf, type PolicySettings } from './enrollmentPolicy.ts';
import { mergeFaces, splitIntoParts } from '../images/parts.ts';
import { prepareImage } from '../images/prepareImage.ts';

export type DetectionOptions = {
  face: FaceClient;
  faceIds: FaceIds;
  settings: Pick<Settings, 'DETECTION_MODEL' | 'FACE_ID_LIFETIME_SECONDS'>;
  now: () => number;
};

/**
 * A detected face, in pixels of the upright original. Face keeps `faceId` until `expiresAt` (milliseconds since 1970).
 */
export type Detection = DetectedFace & { expiresAt: number };

export type Detect = (
  bytes: Uint8Array,
  about: { group: string; recognitionModel: string; image?: string; version?: string; part?: FaceRectangle },
) => Promise<Detected>;

/**
 * `size`: size of the upright original. `hasFinerParts`: the image was shrunk, so a detection on a part of the image
 * may find more faces. `remembered` resolves when the face IDs are stored.
 */
export type Detected = { faces: Detection[]; size: Size; hasFinerParts: boolean; remembered: Promise<void> };

/**
 * Checks and prepares an image, has Face detect its faces (largest first), and stores their face IDs. A caller awaits
 * `remembered` before it reveals or records the faces.
 */
export function createDetect({ face, faceIds, settings, now }: DetectionOptions): Detect {
  return async (bytes, { group, recognitionModel, image, version, part }) => {
    const prepared = await prepareImage(bytes, part);
    const detectedAt = now();
    const faces = await face
      .detect(prepared.bytes, {
        detectionModel: settings.DETECTION_MODEL,
        recognitionModel,
        faceIdTimeToLive: settings.FACE_ID_LIFETIME_SECONDS,
      })
      .catch((error: unknown) => {
        throw toImageFault(error) ?? error;
      });
    const expiresAt = detectedAt + settings.FACE_ID_LIFETIME_SECONDS * 1_000;
    const detections = faces.map((detected) => ({
      ...detected,
      faceRectangle: prepared.toOriginal(detected.faceRectangle),
      expiresAt,
    }));
    const seen = detections.map(({ faceId, faceRectangle }): SeenFace => ({
      faceId,
      faceRectangle,
      recognitionModel,
      detectedAt,
      expiresAt,
      ...(image === undefined ? {} : { image }),
      ...(version === undefined ? {} : { version }),
    }));
    const remembered = faceIds.remember(group, seen);
    // A caller that fails before it awaits `remembered` reports its own error and reveals no face. The empty handler
    // keeps a rejection of `remembered` from being an unhandled one.
    remembered.catch(() => undefined);
    const { size, hasFinerParts } = prepared;
    return { faces: detections, size, hasFinerParts, remembered };
  };
}

/**
 * The fault that Face found in an image that passed Rollcall's own checks; undefined when the error is not about it.
 */
export function toImageFault(error: unknown): RollcallError | undefined {
  if (isFaceError(error, 400, 'InvalidImageSize')) {
    return new RollcallError(
      error.message.includes('small') ? 'image_too_small' : 'image_too_large',
      undefined,
      {
        cause: error,
      },
    );
  }
  if (!isFaceError(error, 400, 'InvalidImage')) return undefined;
  if (error.message.includes('No face')) return new RollcallError('no_face', undefined, { cause: error });
  if (error.message.includes('more than 1'))
    return new RollcallError('several_faces', undefined, { cause: error });
  return new RollcallError('not_an_image', 'The image cannot be decoded.', { cause: error });
}

export type DetectForEnrollment = (
  image: ImageRecord,
  bytes: Uint8Array,
  /** Records the progress of the detection, so that no call is repeated when a later call has to be deferred. */
  keep: (parts: PartsLookedAt) => Promise<void>,
) => Promise<DetectedOnImage>;

/** How many faces, largest first, the image record keeps between the detections on the parts of one image. */
const keptFaces = 10;

/**
 * Finds the face of an image to enroll, by the policy of the group. When the policy accepts any quality and rejects
 * several faces, no detection is made: the add call of Face detects the face too, so an image costs one call instead of
 * two. When no face is found on an image that had to be shrunk, the parts of the image are detected one by one.
 * @throws RollcallError
 */
export function createDetectForEnrollment(
  detect: Detect,
  groups: Groups,
  settings: PolicySettings & Pick<Settings, 'ENROLL_PART_CALLS'>,
): DetectForEnrollment {
  return async ({ group: name, image, content = '', parts }, bytes, keep) => {
    const group = await groups.get(name);
    if (group === undefined) throw new RollcallError('conflict', 'The group was deleted meanwhile.');
    const policy = policyOf(group, settings);
    if (policy.minQuality === 'none' && policy.severalFaces === 'reject') {
      await prepareImage(bytes);
      return {};
    }
    const { recognitionModel } = group;
    const detectOn = async (part?: FaceRectangle) => {
      const about = { group: name, recognitionModel, image, version: content, ...(part && { part }) };
      const { remembered, ...found } = await detect(bytes, about);
      await remembered;
      return found;
    };
    let searched = parts?.content === content ? parts : undefined;
    if (searched === undefined) {
      const whole = await detectOn();
      const finer = whole.hasFinerParts ? splitIntoParts(whole.size, settings.ENROLL_PART_CALLS) : [];
      if (whole.faces.length > 0 || finer.length === 0) return foundFace(faceToEnroll(whole, policy));
      searched = { content, size: whole.size, count: 0, faces: [] };
      await keep(searched);
    }
    const { size } = searched;
    for (const part of splitIntoParts(size, settings.ENROLL_PART_CALLS).slice(searched.count)) {
      const faces = (await detectOn(part)).faces.map((face) => ({ ...face, part }));
      const all = mergeFaces([...searched.faces, ...faces]).slice(0, keptFaces);
      searched = { content, size, count: searched.count + 1, faces: all };
      await keep(searched);
    }
    return foundFace(faceToEnroll(searched, policy));
  };
}

function foundFace({ faceId, expiresAt, ...face }: Detection & { part?: FaceRectangle }): DetectedOnImage {
  const { faceRectangle, faceAttributes, part } = face;
  const quality = faceAttributes?.qualityForRecognition;
  return {
    faceRectangle,
    seenAs: { faceId, expiresAt },
    ...(quality === undefined ? {} : { qualityForRecognition: quality }),
    ...(part === undefined ? {} : { part }),
  };
}
