import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { prepareImage } from '../../../shared/images/prepareImage.ts';
import { writeBmp, type BmpKind, type Pixel } from '../../helpers/bmp.ts';
import { writeHeic } from '../../helpers/heic.ts';
import { odd, turned } from '../../helpers/odd.ts';
import { portrait } from '../../helpers/pictures.ts';

/* What becomes of a picture of each kind, as docs/images.md says. */

/** With one scan: of a progressive JPEG, a part shows the whole picture, less clearly. */
const plain = await sharp(portrait('cage.jpg')).jpeg({ quality: 90 }).toBuffer();
const png = () => sharp(plain).png({ compressionLevel: 1 }).toBuffer();
const grey = Array.from({ length: 256 }, (_, value): Pixel => [value, value, value]);
const bmp = (kind: BmpKind) => async () => writeBmp(90, 80, kind, (x, y) => [x * 2, y * 3, x + y]);
const share = (bytes: Buffer, of: number) => bytes.subarray(0, Math.floor(bytes.length * of));

/** With the parameters of a scan as some Samsung phones write them. */
function invalidScan(): Buffer {
  const bytes = Buffer.from(plain);
  const scan = bytes.indexOf(Buffer.from([0xff, 0xda]));
  // The last coefficient of the scan.
  bytes[scan + 5 + (bytes[scan + 4] ?? 0) * 2 + 1] = 0;
  return bytes;
}

const heic = (turns: 0 | 1) => async () =>
  writeHeic(96, 64, (x, y) => [x < 48 ? 60 : 200, 128, y < 32 ? 128 : 180], { turns });

const kinds: Record<string, () => Promise<Buffer>> = {
  JPEG: async () => plain,
  'progressive JPEG': () => odd['a progressive JPEG'](plain),
  'CMYK JPEG': () => odd['a CMYK JPEG'](plain),
  'JPEG with the scan parameters of some Samsung phones': async () => invalidScan(),
  'JPEG without its last bytes': async () => plain.subarray(0, -12),
  'JPEG with three quarters of its bytes': async () => share(plain, 0.75),
  'JPEG with a tenth of its bytes': async () => share(plain, 0.1),
  'progressive JPEG with half of its bytes': async () => share(await odd['a progressive JPEG'](plain), 0.5),
  'JPEG with its headers alone': async () => plain.subarray(0, plain.indexOf(Buffer.from([0xff, 0xda])) + 14),
  PNG: png,
  'PNG of 16 bits': () => odd['a PNG of 16 bits'](plain),
  'PNG without its last bytes': async () => (await png()).subarray(0, -20),
  'PNG with three quarters of its bytes': async () => share(await png(), 0.75),
  'PNG with a tenth of its bytes': async () => share(await png(), 0.1),
  GIF: () => sharp(plain).resize(200).gif({ effort: 1 }).toBuffer(),
  'BMP of 24 bits': bmp({ bits: 24 }),
  'BMP of 24 bits from the top': bmp({ bits: 24, topDown: true }),
  'BMP of 32 bits': bmp({ bits: 32 }),
  'BMP of 16 bits': bmp({ bits: 16 }),
  'BMP of 8 bits, grey or palette': bmp({ bits: 8, palette: grey }),
  'BMP of 4 bits': bmp({ bits: 4, palette: grey.filter((_, index) => index % 17 === 0) }),
  'BMP of 1 bit': bmp({
    bits: 1,
    palette: [
      [0, 0, 0],
      [255, 255, 255],
    ],
  }),
  'BMP in runs (RLE4, RLE8)': bmp({ bits: 8, palette: grey, runLength: true }),
  'BMP of OS/2': bmp({ bits: 24, header: 12 }),
  'BMP with a V5 header and masks': bmp({ bits: 32, header: 124, masks: [0xff0000, 0xff00, 0xff] }),
  'BMP with three quarters of its rows': async () => share(await bmp({ bits: 24 })(), 0.75),
  'BMP that claims more than it holds': async () => share(await bmp({ bits: 24 })(), 0.2),
  WebP: () => sharp(plain).webp({ effort: 0 }).toBuffer(),
  'WebP cut short': async () => share(await sharp(plain).webp({ effort: 0 }).toBuffer(), 0.75),
  TIFF: () => sharp(plain).tiff().toBuffer(),
  AVIF: () => sharp(plain).resize(120).avif({ effort: 0 }).toBuffer(),
  'HEIC, as iPhones write it': heic(0),
  'HEIC cut short': async () => share(await heic(0)(), 0.75),
  SVG: async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"/>'),
};

async function outcomeOf(bytes: Buffer): Promise<string> {
  try {
    const prepared = await prepareImage(bytes);
    if (prepared.bytes === bytes) return 'as it is';
    await sharp(prepared.bytes, { failOn: 'warning' }).stats();
    return 'converted';
  } catch (error) {
    return `\`${String((error as { code?: string }).code)}\``;
  }
}

const guide = await readFile('docs/images.md', 'utf8');
const rows = new Map(
  guide
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, what = '', outcome = '']) => [what, outcome]),
);

test.each(Object.entries(kinds))('%s', async (what, make) => {
  expect(rows.get(what), `the line of ${what} in docs/images.md`).toBe(await outcomeOf(await make()));
});

test('a HEIC comes out with its colours, as it stands upright', async () => {
  const colours = async (bytes: Uint8Array, x: number, y: number) => {
    const pixel = sharp(bytes).extract({ left: x, top: y, width: 1, height: 1 }).raw().toBuffer();
    return [...(await pixel)];
  };
  const { bytes } = await prepareImage(await heic(0)());
  expect(await sharp(bytes).metadata()).toMatchObject({ width: 96, height: 64 });
  for (const [x, y, wanted] of [
    [5, 5, [60, 60, 60]],
    [90, 60, [255, 163, 200]],
  ] as const) {
    const is = await colours(bytes, x, y);
    for (const [channel, value] of wanted.entries())
      expect(Math.abs((is[channel] ?? 0) - value)).toBeLessThan(12);
  }
  // A quarter turn to the left: the upper right corner comes to the upper left.
  const turnedPicture = await prepareImage(await heic(1)());
  expect(await sharp(turnedPicture.bytes).metadata()).toMatchObject({ width: 64, height: 96 });
  const corner = await colours(turnedPicture.bytes, 4, 4);
  expect(Math.abs((corner[0] ?? 0) - 200)).toBeLessThan(12);
});

test('what is damaged is mended upright, in the pixels of the original', async () => {
  const bytes = (await turned(plain, 6, 'jpeg')).subarray(0, -12);
  const { bytes: mended, toOriginal } = await prepareImage(bytes);
  expect(await sharp(mended).metadata()).toMatchObject({ width: 500, height: 614 });
  const rectangle = { left: 10, top: 20, width: 100, height: 120 };
  expect(toOriginal(rectangle)).toEqual(rectangle);
});
