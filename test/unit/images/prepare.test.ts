import sharp from 'sharp';
import { expect, test } from 'vitest';
import { prepareImage } from '../../../shared/images/prepareImage.ts';
import { avifBomb, bmpBomb, gifBomb, jpegBomb, pngBomb, tiffBomb, webpBomb } from '../../helpers/bombs.ts';
import { odd, turned } from '../../helpers/odd.ts';
import { portrait } from '../../helpers/pictures.ts';

const grey = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#888' } });

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
  expect((await prepareImage(bytes)).bytes).toBe(bytes);
  const small = bmp(64, 64);
  expect((await prepareImage(small)).bytes).toBe(small);
});

test.each([
  ['over 4096 pixels', () => grey(5_000, 300).jpeg().toBuffer()],
  ['over 6 MB', () => grey(1_500, 1_410).png({ compressionLevel: 0 }).toBuffer()],
  ['WebP', async () => sharp(portrait('cage.jpg')).webp().toBuffer()],
  ['TIFF', async () => sharp(portrait('cage.jpg')).tiff().toBuffer()],
  ['AVIF', async () => sharp(portrait('cage.jpg')).resize(200).avif({ effort: 0 }).toBuffer()],
  ['a large BMP', async () => bmp(1_500, 1_410)],
  ['under 1 KB', () => grey(60, 60).png().toBuffer()],
])('a picture that is %s is converted to one that Face takes', async (_what, make) => {
  const { bytes } = await prepareImage(await make());
  const { format, width, height } = await sharp(bytes).metadata();
  expect(['jpeg', 'png']).toContain(format);
  expect(Math.max(width, height)).toBeLessThanOrEqual(4_096);
  expect(bytes.length).toBeLessThanOrEqual(6_000_000);
  expect(bytes.length).toBeGreaterThanOrEqual(1_024);
});

test('rectangles go to the upright original and back, and stay inside it', async () => {
  const onItsSide = await grey(5_120, 1_280).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const picture = await prepareImage(onItsSide);
  const { width, height } = await sharp(picture.bytes).metadata();
  expect([width, height]).toEqual([1_024, 4_096]);
  const original = picture.toOriginal({ left: 512, top: 2_048, width: 256, height: 1_024 });
  expect(original).toEqual({ left: 640, top: 2_560, width: 320, height: 1_280 });
  expect(picture.toPrepared(original)).toEqual({ left: 512, top: 2_048, width: 256, height: 1_024 });
  const outside = picture.toOriginal({ left: 1_000, top: -20, width: 500, height: 9_000 });
  expect(outside.left + outside.width).toBeLessThanOrEqual(1_280);
  expect(outside.top + outside.height).toBeLessThanOrEqual(5_120);
});

test.each([
  ['nothing', () => Buffer.alloc(0), 'not_an_image'],
  ['text', () => Buffer.from('hello '.repeat(400)), 'not_an_image'],
  [
    'a vector drawing',
    () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"/>'),
    'unsupported_format',
  ],
  [
    'a drawing behind a declaration',
    () => Buffer.from(`<?xml version="1.0"?><!DOCTYPE svg>${' '.repeat(900)}<svg width="90" height="90"/>`),
    'unsupported_format',
  ],
  [
    'a drawing behind text',
    () => Buffer.from(`${' '.repeat(30)}drawn by hand <svg width="90" height="90"/>`),
    'unsupported_format',
  ],
  ['text that begins as a BMP does', () => Buffer.from('BM '.padEnd(2_000, 'hello ')), 'not_an_image'],
  ['a PNG bomb', pngBomb, 'image_too_large'],
  ['a JPEG bomb', jpegBomb, 'image_too_large'],
  ['a GIF bomb', gifBomb, 'image_too_large'],
  ['a WebP bomb', webpBomb, 'image_too_large'],
  ['a TIFF bomb', tiffBomb, 'image_too_large'],
  ['an AVIF bomb', avifBomb, 'image_too_large'],
  ['a BMP bomb', bmpBomb, 'image_too_large'],
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
  await expect(prepareImage(await make())).rejects.toMatchObject({ code });
});

test('a photograph with the tag of a drawing in its metadata is a photograph', async () => {
  const note = Buffer.from('<x:xmpmeta xmlns:x="adobe:ns:meta/"><svg >a sketch</svg></x:xmpmeta>');
  const photograph = await sharp(portrait('cage.jpg')).withXmp(note.toString()).jpeg().toBuffer();
  expect(photograph.subarray(0, 4_096).includes('<svg')).toBe(true);
  await expect(prepareImage(photograph)).resolves.toHaveProperty('bytes');
});

test.each(Object.entries(odd))(
  '%s becomes a picture that Face takes, as large as it was',
  async (_what, make) => {
    const plain = portrait('cage.jpg');
    const { bytes, toOriginal } = await prepareImage(await make(plain));
    const { format, width, height, depth, space } = await sharp(bytes).metadata();
    expect(['jpeg', 'png', 'gif']).toContain(format);
    expect(depth).toBe('uchar');
    expect(['srgb', 'b-w']).toContain(space);
    expect([width, height]).toEqual([500, 614]);
    const rectangle = { left: 10, top: 20, width: 100, height: 120 };
    expect(toOriginal(rectangle)).toEqual(rectangle);
  },
);

test('of an animation that is converted, the first frame is left', async () => {
  const plain = portrait('cage.jpg');
  const { bytes } = await prepareImage(await odd['an animated WebP'](plain));
  const mean = async (picture: Uint8Array) =>
    (await sharp(picture).stats()).channels.map(({ mean: of }) => of);
  const [still, of] = [await mean(bytes), await mean(plain)];
  for (const [channel, value] of still.entries())
    expect(Math.abs(value - (of[channel] ?? 0))).toBeLessThan(6);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'a picture that is converted stands upright, EXIF orientation %i',
  async (orientation) => {
    const plain = portrait('cage.jpg');
    const { bytes } = await prepareImage(await turned(plain, orientation, 'webp'));
    const pixels = (picture: Uint8Array) =>
      sharp(picture).resize(20, 24, { fit: 'fill' }).removeAlpha().raw().toBuffer();
    const [is, wanted] = await Promise.all([pixels(bytes), pixels(plain)]);
    expect((await sharp(bytes).metadata()).orientation ?? 1).toBe(1);
    const difference =
      is.reduce((sum, value, index) => sum + Math.abs(value - (wanted[index] ?? 0)), 0) / is.length;
    expect(difference).toBeLessThan(5);
  },
);
