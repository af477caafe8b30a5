import { readFile } from 'node:fs/promises';
import { toConfidence } from '../../emulators/face/models/confidence.ts';
import { degraded } from './degrade.ts';
import type { LabelledFace } from './faces.ts';
import type { LabelledPicture } from './pictures.ts';
import { countFrom, percent, shareOf, table } from './statistics.ts';
import { allPairs, thresholdAt } from './verification.ts';

const levels = ['high', 'medium', 'low'] as const;

const spoiltAtMost = 400;

/** Spoilt copies of pictures of persons who have several. */
export function spoiltCopies(pictures: readonly LabelledPicture[]): LabelledPicture[] {
  const several = [...Map.groupBy(pictures, ({ person }) => person).values()]
    .filter(({ length }) => length > 1)
    .flat();
  const every = Math.max(1, Math.floor(several.length / spoiltAtMost));
  return several
    .filter((_, index) => index % every === 0)
    .slice(0, spoiltAtMost)
    .map((picture, index) => ({
      ...picture,
      bytes: async () => (await degraded(await readFile(picture.file), index)).bytes,
    }));
}

/**
 * Whether qualityForRecognition says what will be recognised: pairs by the worse quality of both. `good`: faces of
 * pictures as they are, from which the threshold comes.
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
      percent(shareOf(countFrom(same, threshold), same.length), 1),
      percent(shareOf(confident(same), same.length), 1),
      percent(shareOf(confident(strangers), strangers.length), 3),
    ];
  });
  const heads = [
    ...['quality', 'faces', 'pairs of one person', 'recognised at 0.1 % false positives of all pairs'],
    ...['at confidence 0.5', 'strangers taken for one person'],
  ];
  return `  pairs by the worse quality of both\n${table([heads, ...rows])}`;
}
