import sharp from 'sharp';
import { expect, test } from 'vitest';
import { prepareImage } from '../../../shared/images/prepareImage.ts';

/* Pictures as large as they are taken; what becomes of smaller ones is tested beside this. */

test('a picture of 100 megapixels is converted to one that Face takes', async () => {
  const large = await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: '#888' } })
    .jpeg()
    .toBuffer();
  const { format, width, height } = await sharp((await prepareImage(large)).bytes).metadata();
  expect([format, width, height]).toEqual(['jpeg', 4_096, 4_096]);
});

test('a picture of noise, over 6 MB at the best quality, is brought under it', async () => {
  const noisy = await sharp({
    create: {
      width: 6_000,
      height: 3_000,
      channels: 3,
      background: '#000',
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  })
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 60 })
    .toBuffer();
  const { bytes } = await prepareImage(noisy);
  const { width, height } = await sharp(bytes).metadata();
  expect([width, height]).toEqual([2_048, 4_096]);
  expect(bytes.length).toBeLessThanOrEqual(6_000_000);
});
