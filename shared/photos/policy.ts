import { RollcallError } from '../errors.ts';
import { faceLimits } from '../face/client.ts';
import type { DetectedFace } from '../face/types.ts';

export type EnrollmentPolicy = {
  severalFaces: 'reject' | 'largest';
  minQuality: 'high' | 'medium' | 'low' | 'none';
};

const rank = { none: 0, low: 1, medium: 2, high: 3 } as const;

/**
 * The quality gate: the one face of a picture that is worth enrolling. Faces come largest first.
 * @throws RollcallError no_face, several_faces, face_too_small, low_quality
 */
export function faceToEnroll<Face extends DetectedFace>(
  faces: readonly Face[],
  policy: EnrollmentPolicy,
): Face {
  const [face, ...others] = faces;
  if (face === undefined) throw new RollcallError('no_face');
  if (others.length > 0 && policy.severalFaces === 'reject') {
    throw new RollcallError('several_faces', `There are ${faces.length} faces on the picture.`);
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
