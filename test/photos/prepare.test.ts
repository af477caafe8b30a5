import sharp from 'sharp';
import { expect, test } from 'vitest';
import { preparePicture } from '../../shared/photos/prepare.ts';
import { portrait } from '../helpers/pictures.ts';

/** Noise does not compress: a picture of noise is as large as it looks. */
async function noise(width: number, height: number) {
  return sharp({
    create: {
      width,
      height,
      channels: 3,
      background: '#000',
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  });
}

function bmp(width: number, height: number): Buffer {
  const stride = Math.ceil((width * 3) / 4) * 4;
  const bytes = Buffer.alloc(54 + stride * height, 120);
  bytes.fill(0, 0, 54);
  bytes.write('BM', 0);
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}

test('what Face takes passes as it is', async () => {
  const bytes = portrait('cage.jpg');
  expect((await preparePicture(bytes)).bytes).toBe(bytes);
  const small = bmp(64, 64);
  expect((await preparePicture(small)).bytes).toBe(small);
});

test.each([
  ['over 4096 pixels', async () => (await noise(5_000, 300)).jpeg().toBuffer()],
  ['over 6 MB', async () => (await noise(1_800, 1_600)).png().toBuffer()],
  ['WebP', async () => sharp(portrait('cage.jpg')).webp().toBuffer()],
  ['TIFF', async () => sharp(portrait('cage.jpg')).tiff().toBuffer()],
  ['AVIF', async () => sharp(portrait('cage.jpg')).resize(200).avif({ effort: 0 }).toBuffer()],
  ['a large BMP', async () => bmp(2_000, 1_500)],
  [
    'under 1 KB',
    async () =>
      sharp({ create: { width: 60, height: 60, channels: 3, background: '#888' } })
        .png()
        .toBuffer(),
  ],
  [
    'of 50 megapixels',
    async () =>
      sharp({ create: { width: 8_000, height: 6_250, channels: 3, background: '#888' } })
        .jpeg()
        .toBuffer(),
  ],
])('a picture that is %s is converted to one that Face takes', async (_what, make) => {
  const { bytes } = await preparePicture(await make());
  const { format, width, height } = await sharp(bytes).metadata();
  expect(['jpeg', 'png']).toContain(format);
  expect(Math.max(width, height)).toBeLessThanOrEqual(4_096);
  expect(bytes.length).toBeLessThanOrEqual(6_000_000);
  expect(bytes.length).toBeGreaterThanOrEqual(1_024);
});

test('rectangles go to the upright original and back, and stay inside it', async () => {
  const turned = await (
    await noise(6_000, 3_000)
  )
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 60 })
    .toBuffer();
  const picture = await preparePicture(turned);
  const { width, height } = await sharp(picture.bytes).metadata();
  expect([width, height]).toEqual([2_048, 4_096]);
  const original = picture.toOriginal({ left: 1_024, top: 2_048, width: 512, height: 1_024 });
  expect(original).toEqual({ left: 1_500, top: 3_000, width: 750, height: 1_500 });
  expect(picture.toPrepared(original)).toEqual({ left: 1_024, top: 2_048, width: 512, height: 1_024 });
  const outside = picture.toOriginal({ left: 2_000, top: -20, width: 500, height: 9_000 });
  expect(outside.left + outside.width).toBeLessThanOrEqual(3_000);
  expect(outside.top + outside.height).toBeLessThanOrEqual(6_000);
});

test.each([
  ['nothing', () => Buffer.alloc(0), 'not_an_image'],
  ['text', () => Buffer.from('hello '.repeat(400)), 'not_an_image'],
  [
    'a vector drawing',
    () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"/>'),
    'unsupported_format',
  ],
  ['a PDF', () => Buffer.from('%PDF-1.7\n%âãÏÓ\n'.padEnd(2_000, ' ')), 'not_an_image'],
  [
    'a picture of 30 pixels',
    () => sharp(portrait('cage.jpg')).resize(30, 60).png().toBuffer(),
    'image_too_small',
  ],
  [
    'a BMP that says it is endless',
    () => Object.assign(bmp(64, 64), {}).fill(0x7f, 18, 26),
    'image_too_large',
  ],
  [
    'a WebP cut short',
    async () => (await sharp(portrait('cage.jpg')).webp().toBuffer()).subarray(0, 3_000),
    'not_an_image',
  ],
  ['a file of 65 MB', () => Buffer.alloc(65 * 1024 * 1024), 'image_too_large'],
])('%s is refused as what it is', async (_what, make, code) => {
  await expect(preparePicture(await make())).rejects.toMatchObject({ code });
});
