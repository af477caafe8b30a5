/**
 * From the cosine of two embeddings to a confidence. 0.5 lies at a cosine of .48: of the 1,250,180 pairs of strangers
 * among the 1,583 pictures of LFW's folds 0 and 1, 5 in 10,000 reach it, of the 1,973 pairs of one person 97.6 %
 * (at .45: 11 in 10,000 and 98.4 %; small pictures of other people want up to .56 for 1 in 1,000). The middle pair
 * of a person, .76, is at 0.92; the same picture at 1. Joined by straight lines.
 */
/** The cosine at which two faces are as likely as not of one person. */
export const cosineOfHalf = 0.48;

const curve = [
  [-1, 0],
  [0, 0.05],
  [0.28, 0.2],
  [cosineOfHalf, 0.5],
  [0.6, 0.78],
  [0.75, 0.92],
  [1, 1],
] as const;

export function confidenceOf(a: Float32Array, b: Float32Array): number {
  let cosine = 0;
  for (let index = 0; index < a.length; index += 1) cosine += (a[index] ?? 0) * (b[index] ?? 0);
  return confidenceOfCosine(cosine);
}

export function confidenceOfCosine(cosine: number): number {
  // The same picture gives a cosine of 1 but for rounding.
  if (cosine >= 0.99999) return 1;
  for (const [index, [x, y]] of curve.entries()) {
    const next = curve[index + 1];
    if (next !== undefined && cosine <= next[0]) {
      return Math.max(0, y + ((cosine - x) / (next[0] - x)) * (next[1] - y));
    }
  }
  return 1;
}
