import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import type { Vision, Wanted } from '../../../emulators/face/contract/vision.ts';
import { groupPicture, portrait } from '../../helpers/pictures.ts';
import { realVision } from '../../helpers/vision.ts';

/* Pictures that are large, and of many. */

let vision: Vision;
const whereOnly: Wanted = { detectionModel: 'detection_03', landmarks: false, attributes: [] };

beforeAll(async () => {
  vision = await realVision();
});

test('group pictures: everybody who looks at the camera, and nothing else', async () => {
  const counts = await Promise.all(
    ([1, 3, 4, 5, 6] as const).map(
      async (number) => (await vision.analyze(groupPicture(number), whereOnly)).faces.length,
    ),
  );
  expect(counts).toEqual([3, 3, 4, 5, 4]);
});

test('a hundred faces at most, the largest first', async () => {
  // 96 faces above 12 smaller ones, of which only 4 may stay, though a detector is surer of them: they are not blurred.
  const tile = (side: number, sigma: number) =>
    sharp(portrait('cage2_crop.jpg')).resize(side).blur(sigma).png().toBuffer();
  const [large, little] = [await tile(90, 2.5), await tile(60, 0.3)];
  const tiles = Array.from({ length: 108 }, (_, index) => ({
    input: index < 96 ? large : little,
    left: (index % 12) * 90,
    top: Math.floor(index / 12) * 96,
  }));
  const crowd = sharp({ create: { width: 1_080, height: 860, channels: 3, background: '#888' } });
  const { faces } = await vision.analyze(
    await crowd.composite(tiles).jpeg({ quality: 95 }).toBuffer(),
    whereOnly,
  );
  expect(faces).toHaveLength(100);
  const small = faces.filter(({ rectangle }) => rectangle.top > 7.5 * 96);
  expect(small).toHaveLength(4);
  expect(faces.slice(-4)).toEqual(small);
});

test('rectangles are those of a large picture as it came', async () => {
  const on = async (width: number, height: number, side: number) => {
    const input = await sharp(portrait('cage2_crop.jpg')).resize(side).toBuffer();
    const canvas = sharp({ create: { width, height, channels: 3, background: '#888' } });
    const bytes = await canvas
      .composite([{ input, left: 700, top: 300 }])
      .jpeg({ quality: 95 })
      .toBuffer();
    return (await vision.analyze(bytes, whereOnly)).faces.map(({ rectangle }) => rectangle);
  };
  // The last is so large that it is shrunk while it is decoded.
  for (const [width, height] of [[3_840, 2_160] as const, [6_200, 1_500] as const]) {
    const [rectangle] = await on(width, height, 300);
    expect(rectangle?.left).toBeGreaterThan(700);
    expect(rectangle?.width).toBeGreaterThan(200);
    expect((rectangle?.left ?? 0) + (rectangle?.width ?? 0)).toBeLessThan(1_010);
  }
});
