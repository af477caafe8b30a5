import type { RecognitionModel } from '../contract/vision.ts';
import { familyOf, type RecognitionFamily } from './families.ts';

/** From the cosine of two vectors to a confidence, joined by straight lines. */
type Curve = readonly (readonly [cosine: number, confidence: number])[];

/*
 * Set on all pairs of the 1,583 pictures of LFW's folds 0 and 1, 1,973 of one person and 1,250,180 of strangers.
 * Half lies where 1 in 1,000 strangers is taken for the person (fused: 98.8 % of the pairs of one person are above),
 * for the weaker descriptor at 3.5 in 1,000 (97.2 %). The middle pair of strangers lies at 0.12, that of one person
 * above 0.9, the same picture at 1.
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

export function confidenceOf(a: Float32Array, b: Float32Array, model: RecognitionModel): number {
  let cosine = 0;
  for (let index = 0; index < a.length; index += 1) cosine += (a[index] ?? 0) * (b[index] ?? 0);
  return confidenceOfCosine(cosine, model);
}

export function confidenceOfCosine(cosine: number, model: RecognitionModel): number {
  // The same picture gives a cosine of 1 but for rounding.
  if (cosine >= 0.99999) return 1;
  const curve = curves[familyOf[model]];
  for (const [index, [x, y]] of curve.entries()) {
    const next = curve[index + 1];
    if (next !== undefined && cosine <= next[0]) {
      return Math.max(0, y + ((cosine - x) / (next[0] - x)) * (next[1] - y));
    }
  }
  return 1;
}
