import { RollcallError, type GroupRejection } from '../errors/errors.ts';
import { faceLimits } from '../face/client.ts';
import type { DetectedFace, FaceRectangle } from '../face/types.ts';
import type { Group } from '../records/groups.ts';
import type { Settings } from '../config/settings.ts';
import type { Size } from '../images/formats.ts';

export type EnrollmentPolicy = {
  severalFaces: 'reject' | 'dominant' | 'largest';
  minQuality: 'high' | 'medium' | 'low' | 'none';
};

const rank = { none: 0, low: 1, medium: 2, high: 3 } as const;
const admission = { reject: 0, dominant: 1, largest: 2 } as const;

/**
 * A face is the subject of an image if the face is twice as wide as every other face, or if the face is 1.2 times as
 * wide and is the only face that covers the middle of the image. The factors were chosen on 1,583 portraits of Labeled
 * Faces in the Wild: see docs/images.md.
 */
const widerBy = { anywhere: 2, inTheMiddle: 1.2 } as const;

export type PolicySettings = Pick<Settings, 'ENROLL_MIN_QUALITY' | 'ENROLL_SEVERAL_FACES'>;

/** The policy of a group. A setting that the group does not have is taken from the settings of the app. */
export function policyOf(
  { minQuality, severalFaces }: Pick<Group, 'minQuality' | 'severalFaces'>,
  { ENROLL_MIN_QUALITY, ENROLL_SEVERAL_FACES }: PolicySettings,
): EnrollmentPolicy {
  return {
    minQuality: minQuality ?? ENROLL_MIN_QUALITY,
    severalFaces: severalFaces ?? ENROLL_SEVERAL_FACES,
  };
}

/** The reasons of rejection that may no longer apply to an image when `policy` replaces `before`. */
export function admittedBy(policy: EnrollmentPolicy, before: EnrollmentPolicy): GroupRejection[] {
  return [
    ...(admission[policy.severalFaces] > admission[before.severalFaces] ? ['several_faces' as const] : []),
    ...(rank[policy.minQuality] < rank[before.minQuality] ? ['low_quality' as const] : []),
  ];
}

/**
 * The quality gate: returns the one face of an image to enroll. `faces` are sorted largest first, `size` is the size of
 * the image in the same pixels, and `count` is the number of its parts that were detected.
 * @throws RollcallError no_face, several_faces, face_too_small, low_quality
 */
export function faceToEnroll<Face extends DetectedFace>(
  { faces, size, count = 0 }: { faces: readonly Face[]; size: Size; count?: number },
  policy: EnrollmentPolicy,
): Face {
  const [face, next] = faces;
  if (face === undefined) throw new RollcallError('no_face', shrunkDetail(size, count));
  if (next !== undefined && policy.severalFaces === 'reject') {
    throw new RollcallError('several_faces', `There are ${faces.length} faces on the image.`);
  }
  if (policy.severalFaces === 'dominant' && !isDominant(faces, size)) {
    throw new RollcallError('several_faces', `None of the ${faces.length} faces is clearly the subject.`);
  }
  if (Math.min(face.faceRectangle.width, face.faceRectangle.height) < faceLimits.smallestFace) {
    throw new RollcallError('face_too_small');
  }
  const quality = face.faceAttributes?.qualityForRecognition;
  if (quality !== undefined && rank[quality] < rank[policy.minQuality]) {
    throw new RollcallError(
      'low_quality',
      `The face is of ${quality} quality; ${policy.minQuality} is asked for.`,
    );
  }
  return face;
}

/**
 * The detail of `no_face` for an image that was shrunk to the size that Face accepts: shrinking may have made the face
 * too small to be found, and cutting the face out helps. Undefined for an image that was not shrunk.
 */
function shrunkDetail({ width, height }: Size, parts: number): string | undefined {
  const side = faceLimits.imageSide;
  if (Math.max(width, height) <= side) return undefined;
  const isShrunk = `The image of ${width} × ${height} pixels was shrunk to ${side} a side`;
  return `${isShrunk}, and no face is found on it, nor on ${parts} parts of it: cut out the part with the face.`;
}

function isDominant([face, ...others]: readonly DetectedFace[], size: Size): boolean {
  if (face === undefined) return false;
  const isAlone =
    covers(face.faceRectangle, size) && !others.some((other) => covers(other.faceRectangle, size));
  const times = isAlone ? widerBy.inTheMiddle : widerBy.anywhere;
  return others.every(({ faceRectangle }) => face.faceRectangle.width >= times * faceRectangle.width);
}

/** Whether the rectangle contains the middle of the image. */
function covers({ left, top, width, height }: FaceRectangle, size: Size): boolean {
  const [x, y] = [size.width / 2, size.height / 2];
  return left <= x && x <= left + width && top <= y && y <= top + height;
}
