import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { confidenceOfCosine } from '../../infra/local/face/models/confidence.ts';
import { createVision } from '../../infra/local/face/models/vision.ts';
import type { AnalyzedFace, Vision } from '../../infra/local/face/vision.ts';
import { franck, groupPicture, portrait } from '../helpers/pictures.ts';

let vision: Vision;

beforeAll(async () => {
  vision = await createVision({ workers: 2 });
});

afterAll(() => vision.close());

async function faceOf(bytes: Uint8Array): Promise<AnalyzedFace> {
  const { faces } = await vision.analyze(bytes);
  const [face] = faces;
  if (face === undefined) throw new Error('no face was found');
  return face;
}

test('pictures of a person match, pictures of different people do not', async () => {
  const people: Record<string, string[]> = {
    franck,
    justin: ['Justin-Bieber2_crop.jpg', 'bieber_small.jpg'],
    nicolas: ['cage.jpg', 'cage2_crop.jpg'],
    sean: ['SeanConnery.jpg', 'sean_guru2_crop.jpg'],
    audrey: ['audrey.jpg', 'audrey_crop.jpg'],
    obama: ['obama4_crop.jpg'],
    george: ['fragrance-George-Clooney-main_crop.jpg'],
    queen: ['queen20_crop.jpg'],
    chuck: ['chuck_crop.jpg'],
    bill: ['bill-murray-snl_crop.jpg'],
  };
  const faces = await Promise.all(
    Object.entries(people).flatMap(([person, files]) =>
      files.map(async (file) => ({ person, file, face: await faceOf(portrait(file)) })),
    ),
  );
  for (const [index, a] of faces.entries()) {
    for (const b of faces.slice(index + 1)) {
      const confidence = vision.confidence(a.face.embedding, b.face.embedding);
      if (a.person === b.person) expect(confidence, `${a.file} ${b.file}`).toBeGreaterThan(0.5);
      else expect(confidence, `${a.file} ${b.file}`).toBeLessThan(0.5);
    }
  }
});

test('group pictures: everybody who looks at the camera, and nothing else', async () => {
  const counts = await Promise.all(
    ([1, 4, 5, 6] as const).map(async (number) => (await vision.analyze(groupPicture(number))).faces.length),
  );
  expect(counts).toEqual([3, 4, 5, 4]);
});

test('faces come largest first, inside the picture, taller than wide', async () => {
  const { faces, width, height } = await vision.analyze(groupPicture(5));
  const areas = faces.map(({ rectangle }) => rectangle.width * rectangle.height);
  expect(areas).toEqual(areas.toSorted((a, b) => b - a));
  for (const { rectangle } of faces) {
    expect(rectangle.left).toBeGreaterThanOrEqual(0);
    expect(rectangle.left + rectangle.width).toBeLessThanOrEqual(width);
    expect(rectangle.top + rectangle.height).toBeLessThanOrEqual(height);
    expect(rectangle.height).toBeGreaterThan(rectangle.width);
  }
});

test('drawings and masks of which no one is a face are none', async () => {
  for (const file of ['scream_crop.jpg', 'ironman.jpg', 'skullmask.jpg']) {
    expect((await vision.analyze(portrait(file))).faces, file).toEqual([]);
  }
});

test('the rectangle is that of the upright picture, in each EXIF orientation', async () => {
  const upright = await sharp(portrait('franck_02045.jpg')).png().toBuffer();
  const { rectangle } = await faceOf(upright);
  // How the stored picture must be turned so that the orientation turns it back.
  const stored: Record<number, (image: Sharp) => Sharp> = {
    1: (image) => image,
    2: (image) => image.flop(),
    3: (image) => image.rotate(180),
    4: (image) => image.flip(),
    6: (image) => image.rotate(270),
    8: (image) => image.rotate(90),
  };
  for (const [orientation, turn] of Object.entries(stored)) {
    const bytes = await turn(sharp(upright))
      .withMetadata({ orientation: Number(orientation) })
      .jpeg({ quality: 95 })
      .toBuffer();
    const turned = (await faceOf(bytes)).rectangle;
    for (const side of ['left', 'top', 'width', 'height'] as const) {
      expect(Math.abs(turned[side] - rectangle[side]), `orientation ${orientation}`).toBeLessThanOrEqual(4);
    }
  }
});

test('PNG, GIF and BMP are read like JPEG', async () => {
  const { width, height } = await sharp(portrait('franck_02045.jpg')).metadata();
  const raw = await sharp(portrait('franck_02045.jpg')).flip().raw().toBuffer();
  const header = Buffer.alloc(54);
  header.write('BM', 0);
  header.writeUInt32LE(54, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(24, 28);
  for (let at = 0; at < raw.length; at += 3) raw.subarray(at, at + 3).reverse();
  const jpeg = await faceOf(portrait('franck_02045.jpg'));
  const others = [
    await sharp(portrait('franck_02045.jpg')).png().toBuffer(),
    await sharp(portrait('franck_02045.jpg')).gif().toBuffer(),
    Buffer.concat([header, raw]),
  ];
  for (const bytes of others) {
    expect(vision.confidence(jpeg.embedding, (await faceOf(bytes)).embedding)).toBeGreaterThan(0.9);
  }
});

test('quality follows what was done to the picture', async () => {
  const clear = await faceOf(portrait('franck_02045.jpg'));
  const blurred = await faceOf(await sharp(portrait('franck_02045.jpg')).blur(9).jpeg().toBuffer());
  const dark = await faceOf(
    await sharp(portrait('franck_02045.jpg')).modulate({ brightness: 0.25 }).jpeg().toBuffer(),
  );
  expect(clear.qualityForRecognition).toBe('high');
  expect(blurred.qualityForRecognition).not.toBe('high');
  expect(blurred.blur.value).toBeGreaterThan(clear.blur.value);
  expect(dark.exposure.value).toBeLessThan(clear.exposure.value);
  expect(dark.exposure.exposureLevel).toBe('underExposure');
});

test('what is no picture is refused', async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), portrait('cage.jpg').subarray(0, 500)]) {
    await expect(vision.analyze(bytes)).rejects.toMatchObject({
      name: 'ImageRefused',
      fault: 'not_decodable',
    });
  }
});

test('confidence rises with likeness, is 0.5 where strangers part, and 1 for the same', () => {
  let before = -1;
  for (let cosine = -1; cosine <= 1; cosine += 0.001) {
    const confidence = confidenceOfCosine(cosine);
    expect(confidence).toBeGreaterThanOrEqual(before);
    before = confidence;
  }
  expect(confidenceOfCosine(0.48)).toBeCloseTo(0.5);
  expect(confidenceOfCosine(1)).toBe(1);
  expect(confidenceOfCosine(-1)).toBe(0);
});
