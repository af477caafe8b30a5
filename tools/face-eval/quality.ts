import { readFile } from 'node:fs/promises';
import { toConfidence } from '../../emulators/face/models/confidence.ts';
import { degrade } from './degrade.ts';
import type { LabelledFace } from './faces.ts';
import type { LabelledImage } from './images.ts';
import { countAtLeast, percent, computeShare, table } from './statistics.ts';
import { allPairs, thresholdAt } from './verification.ts';

const levels = ['high', 'medium', 'low'] as const;

const maxDegraded = 400;

/** Degraded copies of the images of persons with several images. */
export function degradedCopies(images: readonly LabelledImage[]): LabelledImage[] {
  const several = [...Map.groupBy(images, ({ person }) => person).values()]
    .filter(({ length }) => length > 1)
    .flat();
  const every = Math.max(1, Math.floor(several.length / maxDegraded));
  return several
    .filter((_, index) => index % every === 0)
    .slice(0, maxDegraded)
    .map((image, index) => ({
      ...image,
      bytes: async () => (await degrade(await readFile(image.file), index)).bytes,
    }));
}

/**
 * Reports how well qualityForRecognition predicts recognition: pairs by the worse quality of both. The threshold comes
 * from `good`, the faces of the original images.
 */
export function reportQuality(faces: readonly LabelledFace[], good: readonly LabelledFace[]): string {
  const model = 'recognition_04';
  const threshold = thresholdAt(allPairs(good, model), 0.001);
  const rank = ({ quality }: LabelledFace) => levels.indexOf(quality);
  const rows = levels.map((level, index) => {
    const of = faces.filter(({ quality }) => quality === level).length;
    const { same, strangers } = allPairs(
      faces,
      model,
      (a, b) => Math.max(rank(a), rank(b)) === index && a.image !== b.image,
    );
    const confident = (cosines: Float32Array) =>
      cosines.filter((value) => toConfidence(value, model) >= 0.5).length;
    return [
      level,
      `${of}`,
      `${same.length}`,
      percent(computeShare(countAtLeast(same, threshold), same.length), 1),
      percent(computeShare(confident(same), same.length), 1),
      percent(computeShare(confident(strangers), strangers.length), 3),
    ];
  });
  const heads = [
    ...['quality', 'faces', 'pairs of one person', 'recognised at 0.1 % false positives of all pairs'],
    ...['at confidence 0.5', 'strangers taken for one person'],
  ];
  return `  pairs by the worse quality of both\n${table([heads, ...rows])}`;
}
