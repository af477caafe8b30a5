import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { analyzeImage } from './analyze.ts';
import { cosineOfHalf } from './confidence.ts';
import { loadNetworks } from './sessions.ts';
import type { AnalyzedFace } from '../vision.ts';

/*
 * How well the models tell people apart: node infra/local/face/models/evaluate.ts FOLDER [PAIRS]
 * FOLDER holds person/*.jpg. PAIRS is a CSV of fold, a, b, same; without it, all pairs are compared.
 * A picture without a face counts as an error in each of its pairs.
 */

type Pair = { a: string; b: string; same: boolean };

const [folder, pairsFile] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: evaluate.ts FOLDER [PAIRS]');

const networks = await loadNetworks();
const faces = new Map<string, AnalyzedFace>();
let spentMs = 0;
const images = (await readdir(folder, { recursive: true })).filter((name) => /\.(jpe?g|png)$/i.test(name));
for (const image of images) {
  const bytes = await readFile(join(folder, image));
  const startedAt = performance.now();
  const { width, faces: found } = await analyzeImage(networks, bytes);
  spentMs += performance.now() - startedAt;
  // The person is in the middle, others stand around.
  const middle = ({ rectangle }: AnalyzedFace) => Math.abs(rectangle.left + rectangle.width / 2 - width / 2);
  const [face] = found.toSorted((a, b) => middle(a) - middle(b));
  if (face !== undefined) faces.set(image, face);
}

const cosine = (a: AnalyzedFace, b: AnalyzedFace) =>
  a.embedding.reduce((sum, value, index) => sum + value * (b.embedding[index] ?? 0), 0);
const scored = (await readPairs()).map(({ a, b, same }) => {
  const [faceA, faceB] = [faces.get(a), faces.get(b)];
  return { same, score: faceA === undefined || faceB === undefined ? undefined : cosine(faceA, faceB) };
});
const best = Array.from({ length: 90 }, (_, step) => 0.05 + step / 100)
  .map((threshold) => ({ threshold, accuracy: accuracyAt(threshold) }))
  .reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
const qualities = Map.groupBy(faces.values(), (face) => face.qualityForRecognition);
console.log(`pictures ${images.length}, without a face ${images.length - faces.size}`);
console.log(`ms a picture, one thread: ${(spentMs / images.length).toFixed(1)}`);
console.log(
  `pairs ${scored.length}, best accuracy ${(best.accuracy * 100).toFixed(2)} % at cosine ${best.threshold.toFixed(2)}`,
);
const shipped = accuracyAt(cosineOfHalf) * 100;
console.log(`at confidence 0.5 (cosine ${cosineOfHalf}) ${shipped.toFixed(2)} %`);
for (const rate of [0.01, 0.001, 0.0001]) {
  const { threshold, truePositives } = truePositivesAt(rate);
  console.log(
    `true positives ${(truePositives * 100).toFixed(2)} % at false positives ${rate * 100} % (cosine ${threshold.toFixed(3)})`,
  );
}
console.log(`quality: ${[...qualities].map(([name, of]) => `${name} ${of.length}`).join(', ')}`);

async function readPairs(): Promise<Pair[]> {
  if (pairsFile !== undefined) {
    const lines = (await readFile(pairsFile, 'utf8')).trim().split('\n').slice(1);
    return lines.map((line) => {
      const [, a = '', b = '', same] = line.trim().split(',');
      return { a, b, same: same === '1' || same === 'true' };
    });
  }
  const personOf = (image: string) => image.split('/')[0];
  return images.flatMap((a, index) =>
    images.slice(index + 1).map((b) => ({ a, b, same: personOf(a) === personOf(b) })),
  );
}

function accuracyAt(threshold: number): number {
  const right = scored.filter(({ same, score }) => score !== undefined && score >= threshold === same);
  return right.length / scored.length;
}

function truePositivesAt(rate: number): { threshold: number; truePositives: number } {
  const strangers = scored.filter(({ same }) => !same).map(({ score }) => score ?? 1);
  const threshold = strangers.toSorted((a, b) => b - a)[Math.floor(strangers.length * rate)] ?? 1;
  const same = scored.filter((pair) => pair.same);
  return {
    threshold,
    truePositives: same.filter(({ score }) => (score ?? -1) > threshold).length / same.length,
  };
}
