import type { Point } from '../contract/vision.ts';
import type { FaceMesh } from './mesh.ts';

/** The landmarks that the detector finds. */
const detected = ['pupilLeft', 'pupilRight', 'noseTip', 'mouthLeft', 'mouthRight'] as const;

/** Numbers of the other landmarks in the face mesh. Left and right are those of the image. */
const inMesh = {
  eyebrowLeftOuter: 70,
  eyebrowLeftInner: 107,
  eyeLeftOuter: 33,
  eyeLeftTop: 159,
  eyeLeftBottom: 145,
  eyeLeftInner: 133,
  eyebrowRightInner: 336,
  eyebrowRightOuter: 300,
  eyeRightInner: 362,
  eyeRightTop: 386,
  eyeRightBottom: 374,
  eyeRightOuter: 263,
  noseRootLeft: 193,
  noseRootRight: 417,
  noseLeftAlarTop: 198,
  noseRightAlarTop: 420,
  noseLeftAlarOutTip: 64,
  noseRightAlarOutTip: 294,
  upperLipTop: 0,
  upperLipBottom: 13,
  underLipTop: 14,
  underLipBottom: 17,
} as const satisfies Record<string, number>;

/** The five landmarks of the detector, in pixels of the image. */
export function toFiveLandmarks(points: readonly Point[]): Record<string, Point> {
  return Object.fromEntries(detected.map((name, index) => [name, points[index] ?? { x: 0, y: 0 }]));
}

/** The 27 landmarks of the Face API, in pixels of the image. */
export function toLandmarks(points: readonly Point[], { at }: FaceMesh): Record<string, Point> {
  return {
    ...toFiveLandmarks(points),
    ...Object.fromEntries(Object.entries(inMesh).map(([name, number]) => [name, at(number)])),
  };
}
