import { toConfidence } from '../../emulators/face/models/confidence.ts';
import type { ComparedModel, LabelledFace } from './faces.ts';
import type { LabelledPair } from './images.ts';
import { countAtLeast, deviation, mean, percent, quantile, computeShare, table } from './statistics.ts';

/** The cosines of all pairs of faces, ascending. */
export type AllPairs = { same: Float32Array; strangers: Float32Array };

export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}

export function allPairs(
  faces: readonly LabelledFace[],
  model: ComparedModel,
  counts: (a: LabelledFace, b: LabelledFace) => boolean = () => true,
): AllPairs {
  const same: number[] = [];
  const strangers = new Float32Array((faces.length * (faces.length - 1)) / 2);
  let count = 0;
  for (const [index, a] of faces.entries()) {
    for (let other = index + 1; other < faces.length; other += 1) {
      const b = faces[other];
      if (b === undefined || !counts(a, b)) continue;
      const likeness = cosine(a.vectors[model], b.vectors[model]);
      if (a.person === b.person) same.push(likeness);
      else strangers[count++] = likeness;
    }
  }
  return { same: Float32Array.from(same).toSorted(), strangers: strangers.subarray(0, count).toSorted() };
}

/** The cosine that this share of strangers reaches. */
export function thresholdAt({ strangers }: AllPairs, falsePositives: number): number {
  return quantile(strangers, 1 - falsePositives);
}

/** Reports recognised pairs of one person by the rate of false positives, and the calibration. */
export function reportAllPairs(pairs: AllPairs, model: ComparedModel): string {
  const { same, strangers } = pairs;
  const rates = [0.01, 0.001, 0.0001, 0.00001].filter((rate) => strangers.length * rate >= 1);
  const rows = rates.map((rate) => {
    const threshold = thresholdAt(pairs, rate);
    const found = computeShare(countAtLeast(same, threshold), same.length);
    return [`${rate * 100} %`, percent(found), toConfidence(threshold, model).toFixed(2)];
  });
  return [
    `  all pairs: ${same.length} of one person, ${strangers.length} of strangers`,
    table([['false positives', 'recognised (95 % bounds)', 'at confidence'], ...rows]),
    reportCalibration(pairs, model),
  ].join('\n');
}

function reportCalibration({ same, strangers }: AllPairs, model: ComparedModel): string {
  const confidences = (cosines: Float32Array) => cosines.map((value) => toConfidence(value, model));
  const [ofSame, ofStrangers] = [confidences(same), confidences(strangers)];
  const edges = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
  const between = (ascending: Float32Array, low: number, high: number) =>
    countAtLeast(ascending, low) - countAtLeast(ascending, high);
  const rows = edges.map((low) => {
    const high = low === 0.9 ? 2 : low + 0.1;
    const [right, wrong] = [between(ofSame, low, high), between(ofStrangers, low, high)];
    const ifEven = right / same.length / (right / same.length + wrong / strangers.length);
    return [`${low.toFixed(1)} to ${(low + 0.1).toFixed(1)}`, `${right}`, `${wrong}`, ifEven.toFixed(3)];
  });
  const middle = quantile(ofSame, 0.5);
  return [
    `  at 0.5: ${percent(computeShare(countAtLeast(ofSame, 0.5), same.length))} recognised, ` +
      `${percent(computeShare(countAtLeast(ofStrangers, 0.5), strangers.length), 3)} of strangers taken for one person; ` +
      `middle pair of one person: ${middle.toFixed(2)}`,
    table([['confidence', 'one person', 'strangers', 'share of one person, were both as many'], ...rows]),
  ].join('\n');
}

/**
 * Reports LFW's protocol: the threshold for a fold is the best one of the other folds. An image without a face counts
 * as an error in each of its pairs.
 */
export function reportProtocol(
  faces: readonly LabelledFace[],
  pairs: readonly LabelledPair[],
  model: ComparedModel,
): string {
  const byImage = new Map(faces.map((face) => [face.image, face]));
  const scored = pairs.map(({ fold, a, b, same }) => {
    const [faceA, faceB] = [byImage.get(a), byImage.get(b)];
    const missing = faceA === undefined || faceB === undefined;
    return { fold, same, score: missing ? undefined : cosine(faceA.vectors[model], faceB.vectors[model]) };
  });
  type Scored = (typeof scored)[number];
  const accuracy = (some: readonly Scored[], threshold: number) =>
    some.filter(({ same, score }) => score !== undefined && score >= threshold === same).length / some.length;
  // The median of the best thresholds, since the extremes among equally good ones are chance.
  const best = (some: readonly Scored[]) => {
    const scores = some.flatMap(({ score }) => score ?? []).toSorted((x, y) => x - y);
    const between = scores.slice(1).map((score, index) => (score + (scores[index] ?? score)) / 2);
    const reached = between.map((threshold) => accuracy(some, threshold));
    const most = Math.max(...reached);
    const doBest = between.filter((_, index) => reached[index] === most);
    return doBest[Math.floor(doBest.length / 2)] ?? 1;
  };
  const folds = [...new Set(pairs.map(({ fold }) => fold))];
  const reached = folds.map((fold) => {
    const inside = scored.filter((pair) => pair.fold === fold);
    const outside = scored.filter((pair) => pair.fold !== fold);
    return accuracy(inside, best(outside.length > 0 ? outside : inside));
  });
  const half = scored.filter(
    ({ same, score }) => score !== undefined && toConfidence(score, model) >= 0.5 === same,
  ).length;
  return (
    `  protocol: ${pairs.length} pairs, ${folds.length} folds: ${(mean(reached) * 100).toFixed(2)} ± ` +
    `${(deviation(reached) * 100).toFixed(2)} % right; at confidence 0.5 ${percent(computeShare(half, pairs.length))}`
  );
}
