import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { drawOccluder } from '../../../tools/face-eval/occluders.ts';
import { readPackageImages } from '../../../tools/face-eval/images.ts';
import { toConfidence } from '../../../emulators/face/models/confidence.ts';
import {
  requireEmbedding,
  type AnalyzedFace,
  type RecognitionModel,
  type Vision,
  type Wanted,
} from '../../../emulators/face/contract/vision.ts';
import { groupPicture, portrait } from '../../helpers/pictures.ts';
import { realVision } from '../../helpers/vision.ts';

let vision: Vision;

const wanted: Wanted = {
  detectionModel: 'detection_03',
  recognitionModel: 'recognition_04',
  landmarks: true,
  attributes: [],
};

/** Where faces are, and nothing else: vectors take longer to make than faces to find. */
const whereOnly: Wanted = { detectionModel: 'detection_03', landmarks: false, attributes: [] };

beforeAll(async () => {
  vision = await realVision();
});

type RecognisedFace = AnalyzedFace & { embedding: Float32Array };

async function faceOf(bytes: Uint8Array, asked = wanted): Promise<RecognisedFace> {
  const { faces } = await vision.analyze(bytes, asked);
  const [face] = faces;
  if (face === undefined) throw new Error('no face was found');
  return { ...face, embedding: requireEmbedding(face) };
}

test('what is not asked for is not worked out: no vector and no quality', async () => {
  const { recognitionModel: _model, ...detection } = wanted;
  const bytes = portrait('franck_02045.jpg');
  const [[asked], [unasked]] = await Promise.all([
    vision.analyze(bytes, { ...wanted, attributes: ['qualityForRecognition'] }).then(({ faces }) => faces),
    vision.analyze(bytes, detection).then(({ faces }) => faces),
  ]);
  expect(unasked).toEqual({ ...asked, qualityForRecognition: undefined, embedding: undefined });
  expect(Object.keys(unasked ?? {})).not.toContain('embedding');
});

test('pictures of a person match, pictures of different people do not', async () => {
  const faces = await Promise.all(
    readPackageImages().images.map(async ({ person, image, file }) => ({
      person,
      image,
      face: await faceOf(await readFile(file)),
    })),
  );
  for (const [index, a] of faces.entries()) {
    for (const b of faces.slice(index + 1)) {
      const confidence = vision.confidence(a.face.embedding, b.face.embedding, 'recognition_04');
      if (a.person === b.person) expect(confidence, `${a.image} ${b.image}`).toBeGreaterThan(0.5);
      else expect(confidence, `${a.image} ${b.image}`).toBeLessThan(0.5);
    }
  }
});

test('a face is found wherever it lies', async () => {
  const side = 90;
  const face = await sharp(portrait('franck_02045.jpg'))
    .resize(side, side, { fit: 'cover' })
    .png()
    .toBuffer();
  const places = Array.from({ length: 18 }, (_, index) => ({ left: 100 * index, top: 57 * index }));
  const bytes = await sharp({ create: { width: 1_920, height: 1_080, channels: 3, background: '#464' } })
    .composite(places.map((place) => ({ input: face, ...place })))
    .png({ compressionLevel: 1 })
    .toBuffer();
  const { faces } = await vision.analyze(bytes, whereOnly);
  const fromLeft = faces.map(({ rectangle }) => rectangle).toSorted((a, b) => a.left - b.left);
  expect(fromLeft).toHaveLength(places.length);
  for (const [index, { top, height }] of fromLeft.entries()) {
    const middle = top + height / 2 - (places[index]?.top ?? 0);
    expect(Math.abs(middle - side / 2), `face ${index}`).toBeLessThan(side / 4);
  }
});

test('of a group picture everybody is found, largest first, inside the picture, taller than wide', async () => {
  const { faces, width, height } = await vision.analyze(groupPicture(5), whereOnly);
  expect(faces).toHaveLength(5);
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
    expect((await vision.analyze(portrait(file), whereOnly)).faces, file).toEqual([]);
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

test('a face that lies on its side is found and recognised', async () => {
  const upright = await faceOf(portrait('franck_02045.jpg'));
  for (const angle of [90, 270]) {
    const { rectangle, headPose, embedding } = await faceOf(
      await sharp(portrait('franck_02045.jpg')).rotate(angle).jpeg().toBuffer(),
    );
    expect(vision.confidence(upright.embedding, embedding, 'recognition_04'), `${angle}°`).toBeGreaterThan(
      0.85,
    );
    expect(rectangle.width, `${angle}°`).toBeGreaterThan(rectangle.height);
    const turned = (((headPose.roll - upright.headPose.roll - angle) % 360) + 540) % 360;
    expect(Math.abs(turned - 180), `${angle}°`).toBeLessThan(10);
  }
});

test('the smallest face grows with the picture', async () => {
  const on = async (width: number, height: number, side: number) => {
    const input = await sharp(portrait('cage2_crop.jpg')).resize(side).toBuffer();
    const canvas = sharp({ create: { width, height, channels: 3, background: '#888' } });
    const bytes = await canvas
      .composite([{ input, left: 700, top: 300 }])
      .jpeg({ quality: 95 })
      .toBuffer();
    return (await vision.analyze(bytes, whereOnly)).faces.map(({ rectangle }) => rectangle);
  };
  // The face is as wide as 0.84 of that portrait.
  expect(await on(1_920, 1_080, 60)).toHaveLength(1);
  expect(await on(1_920, 1_080, 30)).toHaveLength(0);
  expect(await on(3_840, 2_160, 60)).toHaveLength(0);
});

test('the 27 landmarks lie where a face has them', async () => {
  const { landmarks, rectangle } = await faceOf(portrait('franck_02045.jpg'));
  expect(Object.keys(landmarks)).toHaveLength(27);
  const at = (name: string) => landmarks[name] ?? { x: Number.NaN, y: Number.NaN };
  for (const { x, y } of Object.values(landmarks)) {
    expect(x).toBeGreaterThan(rectangle.left);
    expect(x).toBeLessThan(rectangle.left + rectangle.width);
    expect(y).toBeGreaterThan(rectangle.top);
    expect(y).toBeLessThan(rectangle.top + rectangle.height);
  }
  const fromLeft = [
    'eyeLeftOuter',
    'pupilLeft',
    'eyeLeftInner',
    'eyeRightInner',
    'pupilRight',
    'eyeRightOuter',
  ];
  const fromTop = ['eyebrowLeftInner', 'pupilLeft', 'noseTip', 'upperLipTop', 'underLipBottom'];
  expect(fromLeft).toEqual(fromLeft.toSorted((a, b) => at(a).x - at(b).x));
  expect(fromTop).toEqual(fromTop.toSorted((a, b) => at(a).y - at(b).y));
});

test('yaw and roll change their sign in the mirror, pitch stays', async () => {
  const { headPose } = await faceOf(portrait('franck_04000.jpg'));
  const mirrored = await faceOf(await sharp(portrait('franck_04000.jpg')).flop().png().toBuffer());
  expect(Math.abs(headPose.yaw)).toBeGreaterThan(8);
  expect(Math.abs(headPose.yaw + mirrored.headPose.yaw)).toBeLessThan(6);
  expect(Math.abs(headPose.roll + mirrored.headPose.roll)).toBeLessThan(4);
  expect(Math.abs(headPose.pitch - mirrored.headPose.pitch)).toBeLessThan(6);
});

/** A BMP of so many bits; `topDown`: its first row is the upper one. */
async function bmpOf(jpeg: Uint8Array, bits: 24 | 32, topDown: boolean): Promise<Buffer> {
  const { width, height } = await sharp(jpeg).metadata();
  const channels = bits / 8;
  const stride = Math.ceil((width * channels) / 4) * 4;
  const rgb = await sharp(jpeg).raw().toBuffer();
  const bmp = Buffer.alloc(54 + stride * height);
  bmp.write('BM', 0);
  bmp.writeUInt32LE(54, 10);
  bmp.writeUInt32LE(40, 14);
  bmp.writeInt32LE(width, 18);
  bmp.writeInt32LE(topDown ? -height : height, 22);
  bmp.writeUInt16LE(bits, 28);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const pixel = rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3).toReversed();
      bmp.set(pixel, 54 + (topDown ? y : height - 1 - y) * stride + x * channels);
    }
  }
  return bmp;
}

test('PNG, GIF and BMP are read like JPEG', async () => {
  // An odd width: the rows of a BMP are padded.
  const bytes = portrait('Justin-Bieber2_crop.jpg');
  const jpeg = await faceOf(bytes);
  const others = {
    png: await sharp(bytes).png().toBuffer(),
    png16: await sharp(bytes).toColourspace('rgb16').png().toBuffer(),
    gif: await sharp(bytes).gif().toBuffer(),
    bmp24: await bmpOf(bytes, 24, false),
    bmp32: await bmpOf(bytes, 32, true),
  };
  for (const [name, other] of Object.entries(others)) {
    const { embedding, headPose } = await faceOf(other);
    expect(vision.confidence(jpeg.embedding, embedding, 'recognition_04'), name).toBeGreaterThan(0.95);
    // A face upside down is recognised too.
    expect(Math.abs(headPose.roll - jpeg.headPose.roll), name).toBeLessThan(3);
  }
});

test('quality follows what was done to the picture', async () => {
  const asked = { ...wanted, attributes: ['qualityForRecognition'] };
  const clear = await faceOf(portrait('franck_02045.jpg'), asked);
  const blurred = await faceOf(await sharp(portrait('franck_02045.jpg')).blur(9).jpeg().toBuffer(), asked);
  const dark = await faceOf(
    await sharp(portrait('franck_02045.jpg')).modulate({ brightness: 0.25 }).jpeg().toBuffer(),
  );
  expect(clear.qualityForRecognition).toBe('high');
  expect(blurred.qualityForRecognition).not.toBe('high');
  expect(blurred.blur.value).toBeGreaterThan(clear.blur.value);
  expect(dark.exposure.value).toBeLessThan(clear.exposure.value);
  expect(dark.exposure.exposureLevel).toBe('underExposure');
});

test('what is no picture, or one of another format, is refused', async () => {
  const bmp = await bmpOf(portrait('cage2_crop.jpg'), 24, false);
  const broken = {
    empty: Buffer.alloc(0),
    text: Buffer.from('hello'),
    jpegCutShort: portrait('cage.jpg').subarray(0, 500),
    bmpCutShort: bmp.subarray(0, bmp.length - 10),
    svg: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"/>'),
    webp: await sharp(portrait('cage.jpg')).webp().toBuffer(),
  };
  for (const [name, bytes] of Object.entries(broken)) {
    await expect(vision.analyze(bytes, wanted), name).rejects.toMatchObject({
      name: 'ImageRefused',
      fault: 'not_decodable',
    });
  }
});

test('a picture of more than 100 megapixels is refused before it is decoded', async () => {
  // A header is enough: 20,000 × 20,000 in a PNG of 8 bits.
  const png = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } })
    .png()
    .toBuffer();
  png.writeUInt32BE(20_000, 16);
  png.writeUInt32BE(20_000, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  await expect(vision.analyze(png, wanted)).rejects.toMatchObject({ name: 'ImageRefused', fault: 'too_big' });
});

test.each([
  ['recognition_01', 0.92],
  ['recognition_02', 0.92],
  ['recognition_03', 0.725],
  ['recognition_04', 0.725],
] as const)(
  '%s: confidence rises with likeness, is 0.5 where strangers part, and 1 for the same',
  (model, half) => {
    let before = -1;
    for (let cosine = -1; cosine <= 1; cosine += 0.001) {
      const confidence = toConfidence(cosine, model);
      expect(confidence).toBeGreaterThanOrEqual(before);
      before = confidence;
    }
    expect(toConfidence(half, model)).toBeCloseTo(0.5);
    expect(toConfidence(1, model)).toBe(1);
    expect(toConfidence(-1, model)).toBe(0);
  },
);

test('the recognition models are two: 01 and 02 make other vectors than 03 and 04, and each tells people apart', async () => {
  const seenBy = (file: string, recognitionModel: RecognitionModel) =>
    faceOf(portrait(file), { ...wanted, recognitionModel });
  for (const [model, twin] of [
    ['recognition_01', 'recognition_02'],
    ['recognition_03', 'recognition_04'],
  ] as const) {
    const [a, b, stranger] = await Promise.all([
      seenBy('cage.jpg', model),
      seenBy('cage2_crop.jpg', model),
      seenBy('SeanConnery.jpg', model),
    ]);
    expect(vision.confidence(a.embedding, a.embedding, model)).toBe(1);
    expect(vision.confidence(a.embedding, b.embedding, model)).toBeGreaterThan(0.5);
    expect(vision.confidence(a.embedding, stranger.embedding, model)).toBeLessThan(0.5);
    expect((await seenBy('cage.jpg', twin)).embedding).toEqual(a.embedding);
    expect(Math.hypot(...a.embedding)).toBeCloseTo(1, 5);
  }
  const lengths = await Promise.all(
    (['recognition_01', 'recognition_04'] as const).map(
      async (model) => (await seenBy('cage.jpg', model)).embedding.length,
    ),
  );
  expect(lengths).toEqual([128, 320]);
});

test('the rectangle of detection_01 is a square, that of detection_03 reaches higher', async () => {
  const square = (await faceOf(portrait('cage.jpg'), { ...wanted, detectionModel: 'detection_01' }))
    .rectangle;
  const high = (await faceOf(portrait('cage.jpg'))).rectangle;
  expect(Math.abs(square.width - square.height)).toBeLessThanOrEqual(1);
  expect(high.height / high.width).toBeGreaterThan(1.2);
  expect(high.top).toBeLessThan(square.top);
  expect(Math.abs(high.top + high.height - square.top - square.height)).toBeLessThanOrEqual(1);
});

const worn = ['glasses', 'mask', 'occlusion', 'accessories', 'noise'];

test('what is worn is told where it is asked for, and absent where it is not', async () => {
  const plain = await faceOf(portrait('franck_02045.jpg'));
  for (const name of [...worn, 'age', 'gender', 'smile', 'emotion']) expect(plain).not.toHaveProperty(name);
  const asked = { ...wanted, attributes: worn };
  const bare = await faceOf(portrait('franck_02045.jpg'), asked);
  expect(bare).toMatchObject({
    glasses: 'noGlasses',
    mask: { type: 'noMask', noseAndMouthCovered: false },
    occlusion: { foreheadOccluded: false, eyeOccluded: false, mouthOccluded: false },
    accessories: [],
  });
  expect(bare).not.toHaveProperty('age');
  const { glasses, accessories } = await faceOf(portrait('walter2_crop.jpg'), asked);
  expect(glasses).toBe('readingGlasses');
  expect(accessories?.map(({ type }) => type)).toContain('glasses');
});

test('a mask that is drawn over a face is seen, and covers the mouth', async () => {
  const asked = { ...wanted, attributes: worn };
  for (const file of ['franck_02045.jpg', 'cage2_crop.jpg', 'obama4_crop.jpg']) {
    const { landmarks } = await faceOf(portrait(file));
    const points = ['pupilLeft', 'pupilRight', 'noseTip', 'mouthLeft', 'mouthRight'].map(
      (name) => landmarks[name] ?? { x: 0, y: 0 },
    );
    const masked = await faceOf(await drawOccluder(portrait(file), points, 'mask', 1), asked);
    expect(masked.mask, file).toEqual({ type: 'faceMask', noseAndMouthCovered: true });
    expect(masked.occlusion?.mouthOccluded, file).toBe(true);
  }
});

test('noise rises with what was added', async () => {
  const clean = portrait('franck_02045.jpg');
  const { width, height } = await sharp(clean).metadata();
  const values: number[] = [];
  for (const sigma of [0, 15, 45]) {
    const noise = { type: 'gaussian', mean: 128, sigma: Math.max(sigma, 0.01) } as const;
    const input = await sharp({ create: { width, height, channels: 3, background: '#000', noise } })
      .png()
      .toBuffer();
    const noisy = await sharp(clean)
      .composite([{ input, blend: 'hard-light' }])
      .png()
      .toBuffer();
    values.push((await faceOf(noisy, { ...wanted, attributes: ['noise'] })).noise?.value ?? Number.NaN);
  }
  expect(values).toEqual(values.toSorted((a, b) => a - b));
  expect(values[0]).toBeLessThan(0.3);
  expect(values[2]).toBeGreaterThan(0.6);
});

test('the retired attributes are estimates of a face', async () => {
  const asked = { ...wanted, attributes: ['age', 'gender', 'smile', 'emotion'] };
  const queen = await faceOf(portrait('queen20_crop.jpg'), asked);
  const sean = await faceOf(portrait('sean_guru2_crop.jpg'), asked);
  expect([queen.gender, sean.gender]).toEqual(['female', 'male']);
  for (const { age = 0, smile = -1, emotion = {} } of [queen, sean]) {
    expect(age).toBeGreaterThan(15);
    expect(age).toBeLessThan(95);
    expect(smile).toBeCloseTo(emotion['happiness'] ?? Number.NaN);
    expect(Object.values(emotion).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 3);
    expect(Object.keys(emotion)).toHaveLength(8);
  }
});
