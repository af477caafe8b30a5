import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backgrounds, drawBackground } from '../../../tools/face-eval/backgrounds.ts';
import { reportDetection } from '../../../tools/face-eval/detection.ts';
import { createFacelessImages } from '../../../tools/face-eval/faceless.ts';
import type { LabelledFace } from '../../../tools/face-eval/faces.ts';
import { fitHead } from '../../../tools/face-eval/fitHead.ts';
import { reportIdentification } from '../../../tools/face-eval/identification.ts';
import { readFolder } from '../../../tools/face-eval/images.ts';
import type { Portrait } from '../../../tools/face-eval/cutOut.ts';
import { createScenes } from '../../../tools/face-eval/scenes.ts';
import { countAtLeast, computeShare } from '../../../tools/face-eval/statistics.ts';
import { allPairs, reportProtocol, thresholdAt } from '../../../tools/face-eval/verification.ts';
import { computeProbability } from '../../../emulators/face/models/heads.ts';

/* What `npm run eval` says of models whose behaviour is known. */

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evaluation-'));
  await mkdir(join(folder, 'ann'));
  for (const name of ['1.jpg', '2.jpg', 'notes.txt']) await writeFile(join(folder, 'ann', name), '');
  await writeFile(join(folder, 'stray.jpg'), '');
});

afterAll(() => rm(folder, { recursive: true }));

/** A face whose vector points at so many degrees. */
function face(person: string, number: number, degrees: number): LabelledFace {
  const angle = (degrees / 180) * Math.PI;
  const vector = Float32Array.of(Math.cos(angle), Math.sin(angle));
  return {
    image: `${person}/${number}.jpg`,
    person,
    quality: 'high',
    vectors: { recognition_01: vector, recognition_04: vector },
  };
}

const faces = [
  face('ann', 1, 0),
  face('ann', 2, 5),
  face('ben', 1, 90),
  face('ben', 2, 88),
  face('cat', 1, 45),
];

test('pairs are of one person or of strangers, and thresholds let through as many strangers as they should', () => {
  const pairs = allPairs(faces, 'recognition_04');
  expect([pairs.same.length, pairs.strangers.length]).toEqual([2, 8]);
  expect(pairs.strangers).toEqual(pairs.strangers.toSorted());
  const threshold = thresholdAt(pairs, 0.25);
  expect(countAtLeast(pairs.strangers, threshold)).toBe(2);
});

test('the protocol judges a fold by the threshold of the others, and a missing face as an error', () => {
  const pair = (fold: string, a: string, b: string, same: boolean) => ({ fold, a, b, same });
  const right = [
    pair('0', 'ann/1.jpg', 'ann/2.jpg', true),
    pair('0', 'ann/1.jpg', 'ben/1.jpg', false),
    pair('1', 'ben/1.jpg', 'ben/2.jpg', true),
    pair('1', 'ann/2.jpg', 'ben/2.jpg', false),
  ];
  expect(reportProtocol(faces, right, 'recognition_04')).toContain('100.00 ± 0.00 % right');
  const missing = [
    ...right,
    pair('1', 'ann/1.jpg', 'gone/1.jpg', true),
    pair('0', 'cat/1.jpg', 'gone/1.jpg', false),
  ];
  expect(reportProtocol(faces, missing, 'recognition_04')).toContain('66.67 ± 0.00 % right');
});

test('identification counts only right persons above what strangers reach', () => {
  // The second picture of dan is nearer to ann.
  const more = [...faces, face('dan', 1, 180), face('dan', 2, 2)];
  expect(reportIdentification(more, 'recognition_04')).toContain('TPIR 66.67 %');
});

test('bounds of a share hold it, and are closer the more was counted', () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.nat(1_000), (a, b) => {
      const [count, of] = [Math.min(a, b), Math.max(a, b, 1)];
      const { share, low, high } = computeShare(count, of);
      const closer = computeShare(count * 10, of * 10);
      expect(low).toBeLessThanOrEqual(share);
      expect(high).toBeGreaterThanOrEqual(share);
      expect(closer.high - closer.low).toBeLessThan(high - low);
    }),
  );
});

test('a folder is read as person/picture; pairs that name what is not there are refused with their line', async () => {
  const { images } = await readFolder(folder);
  expect(images.map(({ image, person }) => [image, person])).toEqual([
    ['ann/1.jpg', 'ann'],
    ['ann/2.jpg', 'ann'],
  ]);
  const pairs = join(folder, 'some.csv');
  await writeFile(pairs, 'fold,a,b,same\n0,ann/1.jpg,ann/3.jpg,1\n');
  await expect(readFolder(folder, pairs)).rejects.toThrow('line 2: there is no ann/3.jpg');
  await writeFile(pairs, 'a,b\n');
  await expect(readFolder(folder, pairs)).rejects.toThrow('fold,a,b,same');
});

test('a folder may hold the pictures in images/ and the protocol beside them', async () => {
  const both = await mkdtemp(join(folder, '.both-'));
  await mkdir(join(both, 'images/ann'), { recursive: true });
  for (const name of ['1.jpg', '2.jpg']) await writeFile(join(both, 'images/ann', name), '');
  await writeFile(join(both, 'pairs.csv'), 'fold,a,b,same\n0,ann/1.jpg,ann/2.jpg,1\n');
  const expected = { images: [{ person: 'ann' }, { person: 'ann' }], pairs: [{ fold: '0', same: true }] };
  expect(await readFolder(both)).toMatchObject(expected);
  expect(await readFolder(join(both, 'images'))).toMatchObject(expected);
});

test('a head learns what parts two kinds, and leaves out what says nothing', () => {
  const examples = Array.from({ length: 200 }, (_, index) => {
    const answer = index % 4 === 0;
    const noise = (salt: number) => Math.sin(index * 12.9898 * salt) ** 2;
    return { answer, features: Float32Array.of(noise(1), (answer ? 3 : 1) + noise(2), noise(3), 0) };
  });
  const head = fitHead(examples);
  for (const { answer, features } of examples) expect(computeProbability(head, features) >= 0.5).toBe(answer);
  expect(head.weights.map(([index]) => index)).toContain(1);
  expect(head.weights.map(([index]) => index)).not.toContain(3);
});

const black = { width: 300, height: 300, channels: 3, background: '#000' } as const;

/** A picture on which only the face is white. */
async function whiteFace(): Promise<Portrait> {
  const place = { left: 110, top: 90, width: 80, height: 110 };
  const input = await sharp({ create: { ...black, width: 80, height: 110, background: '#fff' } })
    .png()
    .toBuffer();
  const bytes = await sharp({ create: black })
    .composite([{ input, left: place.left, top: place.top }])
    .png()
    .toBuffer();
  const at = (x: number, y: number) => ({ x: place.left + x * place.width, y: place.top + y * place.height });
  const points = [at(0.3, 0.4), at(0.7, 0.4), at(0.5, 0.6), at(0.35, 0.8), at(0.65, 0.8)];
  return { name: 'white', bytes, width: 300, height: 300, face: place, points };
}

test('a scene has the faces where it says: white inside, black around', async () => {
  const all = createScenes([await whiteFace()], 1);
  const kinds = new Set(all.flatMap((scene) => scene.faces.map(({ kind }) => kind)));
  expect(kinds).toContain('36 to 60 pixels');
  expect(kinds).toContain('turned by 90°');
  for (const scene of all.filter(({ name }) => /^(crowd|turned) /.test(name))) {
    const { data, info } = await sharp(await scene.bytes())
      .greyscale()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const at = (x: number, y: number) => data[Math.round(y) * info.width + Math.round(x)] ?? Number.NaN;
    for (const { kind, left, top, width, height } of scene.faces) {
      const [x, y] = [left + width / 2, top + height / 2];
      expect(at(x, y), kind).toBeGreaterThan(220);
      // Of a rectangle that is turned, only these directions stay clear of its corners.
      if (!/30|60°/.test(kind)) {
        expect(at(x + width * 0.38, y), kind).toBeGreaterThan(220);
        expect(at(x, y - height * 0.38), kind).toBeGreaterThan(220);
        expect(at(x + width * 0.68, y), kind).toBeLessThan(40);
        expect(at(x, y + height * 0.68), kind).toBeLessThan(40);
      }
    }
  }
});

test('pictures without a face are the same for the same number, and differ for another', async () => {
  for (const kind of backgrounds) {
    const size = { width: 160, height: 90 };
    const [first, again, other] = await Promise.all(
      [1, 1, 2].map((seed) => drawBackground(kind, size, seed)),
    );
    expect(first, kind).toEqual(again);
    expect(first, kind).not.toEqual(other);
  }
  const pictures = createFacelessImages([await whiteFace()], 1);
  expect(pictures.flatMap((picture) => picture.faces)).toEqual([]);
  const { width } = await sharp(await pictures.at(-1)?.bytes()).metadata();
  expect(width).toBe(1_280);
});

test('a detector is credited with each face once; a second rectangle and one on nothing are false alarms', async () => {
  const rectangle = (left: number, kind: string) => ({ left, top: 0, width: 50, height: 60, kind });
  const picture = {
    name: 'two',
    bytes: async () => new Uint8Array(0),
    faces: [rectangle(0, 'large'), rectangle(200, 'large'), rectangle(400, 'masked')],
  };
  const seen =
    (...lefts: number[]) =>
    async () =>
      lefts.map((left) => rectangle(left, ''));
  const report = await reportDetection([picture], {
    good: seen(5, 195, 401),
    doubled: seen(0, 2),
    blind: seen(90, 300),
  });
  const row = (name: string) => report.split('\n').find((line) => line.trim().startsWith(name));
  expect(row('large')).toMatch(/2 +2 \(100 %\) +1 \( 50 %\) +0 \(  0 %\)/);
  expect(row('masked')).toMatch(/1 +1 \(100 %\) +0 \(  0 %\) +0 \(  0 %\)/);
  expect(row('false alarms')).toMatch(/0 +1 +2$/);
});
