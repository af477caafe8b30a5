import type { RecognitionModel } from '../contract/vision.ts';
import { families, type RecognitionFamily } from './families.ts';

/** Maps the cosine of two vectors to a confidence, linear between these points. */
type Curve = readonly (readonly [cosine: number, confidence: number])[];

/*
 * Calibrated on all pairs of the 1,583 images of LFW's folds 0 and 1: 1,973 pairs of one person, 1,250,180 of
 * strangers. At a confidence of 0.5, `fused` accepts 1 in 1,000 pairs of strangers and 98.8 % of the pairs of one
 * person; `descriptor`, which is weaker, 3.5 in 1,000 and 97.2 %. The median of strangers is 0.12, that of one person
 * is above 0.9, and identical images have 1.
 */
const curves: Record<RecognitionFamily, Curve> = {
  descriptor: [
    [-1, 0],
    [0.7, 0.02],
    [0.84, 0.12],
    [0.89, 0.28],
    [0.92, 0.5],
    [0.94, 0.78],
    [0.956, 0.91],
    [1, 1],
  ],
  fused: [
    [-1, 0],
    [0.3, 0.02],
    [0.5, 0.12],
    [0.62, 0.28],
    [0.725, 0.5],
    [0.79, 0.78],
    [0.876, 0.92],
    [1, 1],
  ],
};

export function computeConfidence(a: Float32Array, b: Float32Array, model: RecognitionModel): number {
  let cosine = 0;
  for (let index = 0; index < a.length; index += 1) cosine += (a[index] ?? 0) * (b[index] ?? 0);
  return toConfidence(cosine, model);
}

export function toConfidence(cosine: number, model: RecognitionModel): number {
  // The cosine of identical images is 1 but for rounding.
  if (cosine >= 0.99999) return 1;
  const curve = curves[families[model]];
  for (const [index, [x, y]] of curve.entries()) {
    const next = curve[index + 1];
    if (next !== undefined && cosine <= next[0]) {
      return Math.max(0, y + ((cosine - x) / (next[0] - x)) * (next[1] - y));
    }
  }
  return 1;
}
