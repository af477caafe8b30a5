import type { FaceClient } from '../face/client.ts';
import type { DetectedFace } from '../face/types.ts';
import { isFaceError } from '../face/errors.ts';
import { RollcallError } from '../errors.ts';
import type { FaceIds, SeenFace } from '../records/faceIds.ts';
import type { Groups } from '../records/groups.ts';
import type { DetectedOnPicture, Picture } from '../records/picture.ts';
import type { Settings } from '../settings.ts';
import type { Size } from './formats.ts';
import { faceToEnroll, policyOf, type PolicySettings } from './policy.ts';
import { preparePicture } from './prepare.ts';

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
  about: { group: string; recognitionModel: string; image?: string; version?: string },
) => Promise<{ faces: Detection[]; size: Size; remembered: Promise<void> }>;

/**
 * Checks and prepares a picture, has its faces detected, largest first, and remembers their IDs: `remembered` is to be
 * awaited before anybody is told of them.
 */
export function createDetect({ face, faceIds, settings, now }: DetectionOptions): Detect {
  return async (bytes, { group, recognitionModel, image, version }) => {
    const picture = await preparePicture(bytes);
    const detectedAt = now();
    const faces = await face
      .detect(picture.bytes, {
        detectionModel: settings.DETECTION_MODEL,
        recognitionModel,
        faceIdTimeToLive: settings.FACE_ID_LIFETIME_SECONDS,
      })
      .catch((error: unknown) => {
        throw faultOfPicture(error) ?? error;
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
    return { faces: detections, size: picture.size, remembered };
  };
}

/** What Face says against a picture that passed our own checks; undefined when it is not about the picture. */
export function faultOfPicture(error: unknown): RollcallError | undefined {
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

export type DetectForEnrollment = (picture: Picture, bytes: Uint8Array) => Promise<DetectedOnPicture>;

/**
 * The face of a picture that is worth enrolling, by the policy of its group. Where any quality will do and several
 * faces are refused, Face is not asked: adding a face detects it too, at one call a picture instead of two.
 * @throws RollcallError
 */
export function createDetectForEnrollment(
  detect: Detect,
  groups: Groups,
  settings: PolicySettings,
): DetectForEnrollment {
  return async ({ group: name, image, content = '' }, bytes) => {
    const group = await groups.get(name);
    if (group === undefined) throw new RollcallError('conflict', 'The group was deleted meanwhile.');
    const policy = policyOf(group, settings);
    if (policy.minQuality === 'none' && policy.severalFaces === 'reject') {
      await preparePicture(bytes);
      return {};
    }
    const { remembered, ...found } = await detect(bytes, {
      group: name,
      recognitionModel: group.recognitionModel,
      image,
      version: content,
    });
    await remembered;
    const { faceId, expiresAt, faceRectangle, faceAttributes } = faceToEnroll(found, policy);
    const quality = faceAttributes?.qualityForRecognition;
    const seenAs = { faceId, expiresAt };
    return { faceRectangle, seenAs, ...(quality === undefined ? {} : { qualityForRecognition: quality }) };
  };
}
