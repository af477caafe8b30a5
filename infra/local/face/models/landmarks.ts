import type { Point } from '../vision.ts';
import type { Similarity } from './image.ts';

/**
 * The mean face, in pixels of an aligned face of 112 × 112. The five points that the detector finds (pupils, tip of
 * the nose, corners of the mouth) are reported as found; the other twenty-two are those of the mean face, moved,
 * turned and scaled with the five. They are estimates: they do not follow a blink or an open mouth.
 */
const meanFace = {
  eyebrowLeftOuter: { x: 26, y: 43 },
  eyebrowLeftInner: { x: 49, y: 42 },
  eyeLeftOuter: { x: 31.5, y: 52.2 },
  eyeLeftTop: { x: 38.3, y: 49 },
  eyeLeftBottom: { x: 38.3, y: 54.4 },
  eyeLeftInner: { x: 45.3, y: 52.4 },
  eyebrowRightInner: { x: 63, y: 42 },
  eyebrowRightOuter: { x: 86, y: 43 },
  eyeRightInner: { x: 66.5, y: 52.4 },
  eyeRightTop: { x: 73.5, y: 49 },
  eyeRightBottom: { x: 73.5, y: 54.4 },
  eyeRightOuter: { x: 80.3, y: 52.2 },
  noseRootLeft: { x: 50.6, y: 53 },
  noseRootRight: { x: 61.4, y: 53 },
  noseLeftAlarTop: { x: 49.6, y: 64 },
  noseRightAlarTop: { x: 62.4, y: 64 },
  noseLeftAlarOutTip: { x: 46.6, y: 71 },
  noseRightAlarOutTip: { x: 65.4, y: 71 },
  upperLipTop: { x: 56.1, y: 86.4 },
  upperLipBottom: { x: 56.1, y: 89.6 },
  underLipTop: { x: 56.1, y: 94.4 },
  underLipBottom: { x: 56.1, y: 100.2 },
} as const satisfies Record<string, Point>;

const found = ['pupilLeft', 'pupilRight', 'noseTip', 'mouthLeft', 'mouthRight'] as const;

/** The 27 landmarks of the Face API by name, in pixels of the picture. */
export function landmarksOf(points: readonly Point[], { a, b, c, d }: Similarity): Record<string, Point> {
  const moved = Object.entries(meanFace).map(([name, { x, y }]): [string, Point] => [
    name,
    { x: a * x - b * y + c, y: b * x + a * y + d },
  ]);
  return {
    ...Object.fromEntries(found.map((name, index) => [name, points[index] ?? { x: 0, y: 0 }])),
    ...Object.fromEntries(moved),
  };
}
