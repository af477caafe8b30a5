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
import { facesOfParts, partsOf } from '../images/parts.ts';
import { prepareImage } from '../images/prepareImage.ts';

export type DetectionOptions = {
  face: FaceClient;
  faceIds: FaceIds;
  settings: Pick<Settings, 'DETECTION_MODEL' | 'FACE_ID_LIFETIME_SECONDS'>;
  now: () => number;
};

/** A face on a picture, in pixels of the upright original, with an ID that Face keeps for its lifetime. */
export type Detection = DetectedFace & { expiresAt: number };

export type Detect = (
  bytes: Uint8Array,
  about: { group: string; recognitionModel: string; image?: string; version?: string; part?: FaceRectangle },
) => Promise<Detected>;

/** `size`: of the upright original. `hasFinerParts`: it was shrunk, and a part of it may show more. */
export type Detected = { faces: Detection[]; size: Size; hasFinerParts: boolean; remembered: Promise<void> };

/**
 * Checks and prepares a picture, has its faces detected, largest first, and remembers their IDs: `remembered` is to be
 * awaited before anybody is told of them.
 */
export function createDetect({ face, faceIds, settings, now }: DetectionOptions): Detect {
  return async (bytes, { group, recognitionModel, image, version, part }) => {
    const picture = await prepareImage(bytes, part);
    const detectedAt = now();
    const faces = await face
      .detect(picture.bytes, {
        detectionModel: settings.DETECTION_MODEL,
        recognitionModel,
        faceIdTimeToLive: settings.FACE_ID_LIFETIME_SECONDS,
      })
      .catch((error: unknown) => {
        throw imageFaultOf(error) ?? error;
      });
    const expiresAt = detectedAt + settings.FACE_ID_LIFETIME_SECONDS * 1_000;
    const detections = faces.map((detected) => ({
      ...detected,
      faceRectangle: picture.toOriginal(detected.faceRectangle),
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
    // Whoever fails before awaiting it tells nobody of the faces, and of his own failure only.
    remembered.catch(() => undefined);
    const { size, hasFinerParts } = picture;
    return { faces: detections, size, hasFinerParts, remembered };
  };
}

/** What Face says against a picture that passed our own checks; undefined when it is not about the picture. */
export function imageFaultOf(error: unknown): RollcallError | undefined {
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
  return new RollcallError('not_an_image', 'The picture cannot be decoded.', { cause: error });
}

export type DetectForEnrollment = (
  picture: ImageRecord,
  bytes: Uint8Array,
  /** Records what has been looked at, so that no call is made twice when the next one has to wait. */
  keep: (parts: PartsLookedAt) => Promise<void>,
) => Promise<DetectedOnImage>;

/** Of the faces on parts, so many are remembered until all parts are looked at. */
const keptFaces = 10;

/**
 * The face of a picture that is worth enrolling, by the policy of its group. Where any quality will do and several
 * faces are refused, Face is not asked: adding a face detects it too, at one call a picture instead of two. Where nobody
 * is found on a picture that had to be shrunk, its parts are looked at.
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
    const look = async (part?: FaceRectangle) => {
      const about = { group: name, recognitionModel, image, version: content, ...(part && { part }) };
      const { remembered, ...found } = await detect(bytes, about);
      await remembered;
      return found;
    };
    let lookedAt = parts?.content === content ? parts : undefined;
    if (lookedAt === undefined) {
      const whole = await look();
      const finer = whole.hasFinerParts ? partsOf(whole.size, settings.ENROLL_PART_CALLS) : [];
      if (whole.faces.length > 0 || finer.length === 0) return foundFace(faceToEnroll(whole, policy));
      lookedAt = { content, size: whole.size, count: 0, faces: [] };
      await keep(lookedAt);
    }
    const { size } = lookedAt;
    for (const part of partsOf(size, settings.ENROLL_PART_CALLS).slice(lookedAt.count)) {
      const faces = (await look(part)).faces.map((face) => ({ ...face, part }));
      const all = facesOfParts([...lookedAt.faces, ...faces]).slice(0, keptFaces);
      lookedAt = { content, size, count: lookedAt.count + 1, faces: all };
      await keep(lookedAt);
    }
    return foundFace(faceToEnroll(lookedAt, policy));
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
