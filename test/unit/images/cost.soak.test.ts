import sharp from 'sharp';
import { expect, test } from 'vitest';
import { prepareImage } from '../../../shared/images/prepareImage.ts';
import { avifBomb, bmpBomb, gifBomb, jpegBomb, pngBomb, tiffBomb, webpBomb } from '../../helpers/bombs.ts';
import { writeBmp, type Pixel } from '../../helpers/bmp.ts';

/* What pictures cost in memory and in delay of the event loop, hostile ones and the largest that are taken. */

const megabyte = 1024 * 1024;

/** In megabytes, and in milliseconds that the event loop had no turn. */
type Cost = { grownBy: number; busyFor: number };

/** The processor time of this thread between two turns of its loop: a machine that is busy otherwise does not count. */
async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const before = process.memoryUsage.rss();
  let peak = before;
  let busyFor = 0;
  let used = process.threadCpuUsage();
  const sampling = setInterval(() => {
    const { user, system } = process.threadCpuUsage(used);
    busyFor = Math.max(busyFor, (user + system) / 1_000);
    used = process.threadCpuUsage();
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 2);
  await work();
  clearInterval(sampling);
  return { grownBy: (peak - before) / megabyte, busyFor };
}

const grey = Array.from({ length: 256 }, (_, value): Pixel => [value, value, value]);

/** A BMP of so many bits whose header claims what its bytes are not. */
function lyingBmp(bits: 1 | 4 | 8 | 16 | 24 | 32, runLength = false): Buffer {
  const bytes = writeBmp(
    40,
    30,
    { bits, palette: bits <= 8 ? grey.slice(0, 2 ** bits) : [], runLength },
    () => [1, 2, 3],
  );
  bytes.writeInt32LE(9_999, 18);
  bytes.writeInt32LE(9_999, 22);
  return bytes;
}

test('hostile pictures cost nothing', async () => {
  await prepareImage(
    await sharp({ create: { width: 90, height: 90, channels: 3, background: '#888' } })
      .webp()
      .toBuffer(),
  );
  const corpus = [
    ...([1, 4, 8, 16, 24, 32] as const).map((bits) => lyingBmp(bits)),
    lyingBmp(8, true),
    lyingBmp(4, true),
    bmpBomb(),
    ...(await Promise.all([pngBomb(), jpegBomb(), gifBomb(), webpBomb(), tiffBomb(), avifBomb()])),
  ];
  const { grownBy, busyFor } = await costOf(async () => {
    for (const bytes of corpus) await expect(prepareImage(bytes)).rejects.toHaveProperty('code');
  });
  expect(grownBy).toBeLessThan(100);
  expect(busyFor).toBeLessThan(50);
});

test('the largest BMP is decoded without delaying the event loop', async () => {
  const [width, height] = [8_000, 7_900];
  const small = writeBmp(40, 40, { bits: 8, palette: grey }, () => [90, 90, 90]);
  const start = small.readUInt32LE(10);
  const bytes = Buffer.alloc(start + width * height, 120);
  small.copy(bytes, 0, 0, start);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  const { grownBy, busyFor } = await costOf(async () => {
    const { bytes: prepared } = await prepareImage(bytes);
    expect(await sharp(prepared).metadata()).toMatchObject({ format: 'jpeg', width: 4_096 });
  });
  expect(busyFor).toBeLessThan(50);
  expect(grownBy).toBeLessThan(500);
});

const large = sharp({
  create: { width: 16_320, height: 12_240, channels: 3, background: '#a86' },
  limitInputPixels: false,
});

test.each([
  ['JPEG', () => large.clone().jpeg().toBuffer()],
  ['turned JPEG', () => large.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer()],
  ['WebP', () => large.clone().resize(14_000, 14_000, { fit: 'fill' }).webp({ effort: 0 }).toBuffer()],
])('eight of the largest at once, %s, stay under 600 MB', async (_what, make) => {
  const bytes = await make();
  const { grownBy, busyFor } = await costOf(async () => {
    const prepared = await Promise.all(Array.from({ length: 8 }, () => prepareImage(bytes)));
    for (const { bytes: each } of prepared)
      expect(Math.max((await sharp(each).metadata()).width)).toBeLessThanOrEqual(4_096);
  });
  expect(grownBy).toBeLessThan(600);
  expect(busyFor).toBeLessThan(50);
});

test('a picture whose decoding would take more memory than is given is refused with the reason', async () => {
  const progressive = await large.clone().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer();
  const { grownBy } = await costOf(async () => {
    await expect(prepareImage(progressive)).rejects.toMatchObject({
      code: 'image_too_large',
      message: expect.stringMatching(
        /decoding a JPEG of this kind and size takes \d+ MB of memory/,
      ) as string,
    });
  });
  expect(grownBy).toBeLessThan(50);
});
