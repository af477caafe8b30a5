import type { Point } from '../contract/vision.ts';
import type { FaceMesh } from './mesh.ts';

/** Those that the detector itself finds. */
const found = ['pupilLeft', 'pupilRight', 'noseTip', 'mouthLeft', 'mouthRight'] as const;

/** The others by their numbers in the face mesh; left and right as seen. */
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

/** The five landmarks that every face has, in pixels of the picture. */
export function fiveLandmarksOf(points: readonly Point[]): Record<string, Point> {
  return Object.fromEntries(found.map((name, index) => [name, points[index] ?? { x: 0, y: 0 }]));
}

/** The 27 landmarks of the Face API by name. */
export function landmarksOf(points: readonly Point[], { at }: FaceMesh): Record<string, Point> {
  return {
    ...fiveLandmarksOf(points),
    ...Object.fromEntries(Object.entries(inMesh).map(([name, number]) => [name, at(number)])),
  };
}
