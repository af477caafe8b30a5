import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodeBmp } from '../../../shared/images/bmp.ts';
import { isBmp, readBmpHeader, rowsHeld } from '../../../shared/images/bmpHeader.ts';
import { prepareImage } from '../../../shared/images/prepareImage.ts';
import { writeBmp, type BmpKind, type Pixel } from '../../helpers/bmp.ts';

const grey256 = Array.from({ length: 256 }, (_, value): Pixel => [value, value, value]);
const sixteen = Array.from({ length: 16 }, (_, index): Pixel => [
  index * 17,
  255 - index * 17,
  (index * 85) % 256,
]);
const two: Pixel[] = [
  [10, 20, 30],
  [250, 200, 150],
];

/** Something in it differs in every direction, with runs and without. */
function colourAt(x: number, y: number): Pixel {
  return y % 8 < 3 ? [(y * 9) % 256, 40, 200] : [(x * 7) % 256, (y * 5) % 256, (x + y) % 256];
}

const kinds: [string, BmpKind, tolerance: number][] = [
  ['1 bit', { bits: 1, palette: two }, 0],
  ['4 bits', { bits: 4, palette: sixteen }, 0],
  ['8 bits of grey', { bits: 8, palette: grey256 }, 0],
  ['16 bits', { bits: 16 }, 9],
  ['16 bits with masks 565', { bits: 16, masks: [0xf800, 0x07e0, 0x001f] }, 9],
  ['24 bits', { bits: 24 }, 0],
  ['32 bits', { bits: 32 }, 0],
  ['32 bits with masks', { bits: 32, masks: [0xff000000, 0x00ff0000, 0x0000ff00] }, 0],
  ['8 bits in runs', { bits: 8, palette: grey256, runLength: true }, 0],
  ['4 bits in runs', { bits: 4, palette: sixteen, runLength: true }, 0],
  ['24 bits from the top', { bits: 24, topDown: true }, 0],
  ['8 bits from the top', { bits: 8, palette: grey256, topDown: true }, 0],
  ['OS/2, 24 bits', { bits: 24, header: 12 }, 0],
  ['OS/2, 8 bits', { bits: 8, palette: grey256, header: 12 }, 0],
  ['OS/2, version 2', { bits: 4, palette: sixteen, header: 64 }, 0],
  ['OS/2, version 2, short', { bits: 24, header: 16 }, 0],
  ['V2 with masks', { bits: 16, header: 52, masks: [0xf800, 0x07e0, 0x001f] }, 9],
  ['V3 with masks', { bits: 32, header: 56, masks: [0xff, 0xff00, 0xff0000] }, 0],
  ['V4', { bits: 24, header: 108 }, 0],
  ['V5 with masks', { bits: 32, header: 124, masks: [0xff0000, 0xff00, 0xff] }, 0],
];

function nearest(pixel: Pixel, { palette }: BmpKind): Pixel {
  const far = (to: Pixel) =>
    to.reduce((sum, value, channel) => sum + Math.abs(value - (pixel[channel] ?? 0)), 0);
  return palette?.toSorted((a, b) => far(a) - far(b))[0] ?? pixel;
}

function decoded(bytes: Uint8Array, shrinkBy = 1) {
  const header = readBmpHeader(bytes);
  if (!isBmp(bytes) || header === undefined) throw new Error('it is no BMP');
  return decodeBmp(header, bytes, shrinkBy);
}

test.each(kinds)('BMP of %s: every pixel comes out', (_what, kind, tolerance) => {
  const [width, height] = [45, 41];
  const bytes = writeBmp(width, height, kind, colourAt);
  const { image, rows } = decoded(bytes);
  expect(image).toMatchObject({ width, height });
  expect(rows).toBe(height);
  let furthest = 0;
  for (let at = 0; at < width * height; at += 1) {
    const wanted = nearest(colourAt(at % width, Math.floor(at / width)), kind);
    for (const [channel, value] of wanted.entries())
      furthest = Math.max(furthest, Math.abs((image.data[at * 3 + channel] ?? -999) - value));
  }
  expect(furthest).toBeLessThanOrEqual(tolerance);
});

test.each(kinds.filter(([what]) => /^(8 bits in runs|OS.2, 8 bits|V5 with masks)$/.test(what)))(
  'BMP of %s becomes a picture that Face takes',
  async (_what, kind) => {
    const { bytes, toOriginal } = await prepareImage(writeBmp(45, 41, kind, colourAt));
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'jpeg', width: 45, height: 41 });
    const rectangle = { left: 1, top: 2, width: 30, height: 31 };
    expect(toOriginal(rectangle)).toEqual(rectangle);
  },
);

test('what jumps and ends leave out has the first colour of the palette', () => {
  const palette: Pixel[] = [
    [9, 8, 7],
    [255, 255, 255],
  ];
  const blank = writeBmp(40, 40, { bits: 8, palette, runLength: true }, () => [0, 0, 0]);
  const start = blank.readUInt32LE(10);
  // Four white pixels, then five to the right and two up, one pixel, the end.
  const bytes = Buffer.concat([blank.subarray(0, start), Buffer.from([4, 1, 0, 2, 5, 2, 1, 1, 0, 1])]);
  const { image, rows } = decoded(bytes);
  expect(rows).toBe(40);
  const at = (x: number, y: number) => image.data[(y * 40 + x) * 3];
  expect([at(0, 39), at(3, 39), at(4, 39), at(9, 37), at(10, 37), at(0, 0)]).toEqual([
    255, 255, 9, 255, 9, 9,
  ]);
});

test('a run-length BMP without an end mark holds the rows that have a pixel, whatever zero bytes follow', async () => {
  const whole = writeBmp(80, 60, { bits: 8, palette: grey256, runLength: true }, colourAt);
  const start = whole.readUInt32LE(10);
  for (const share of [0.3, 0.5, 0.8]) {
    const broken = Buffer.from(whole);
    // The tail of a file that was created at its full size and never written to the end.
    broken.fill(0, start + Math.round((whole.length - start) * share));
    const { rows } = decoded(broken);
    expect(rows / 60).toBeGreaterThan(share - 0.15);
    expect(rows / 60).toBeLessThan(share + 0.15);
    const taken = await prepareImage(broken).then(
      () => true,
      () => false,
    );
    expect(taken).toBe(share > 0.7);
  }
  // With an end mark, two rows of four pixels are a whole picture on a background.
  const twoRows = [4, 1, 0, 0, 4, 1];
  const withRows = (...mark: number[]) =>
    Buffer.concat([whole.subarray(0, start), Buffer.from([...twoRows, ...mark])]);
  expect([decoded(withRows()).rows, decoded(withRows(0, 0, 0, 1)).rows]).toEqual([2, 60]);
});

test('a picture that is shrunk on the way is the mean of its pixels, at its edges too', () => {
  const bytes = writeBmp(7, 5, { bits: 24 }, (x, y) => [x * 30, y * 40, 100]);
  const { image } = decoded(bytes, 3);
  expect(image).toMatchObject({ width: 3, height: 2 });
  expect([...image.data.subarray(0, 9)]).toEqual([30, 40, 100, 120, 40, 100, 180, 40, 100]);
  expect([...image.data.subarray(9, 12)]).toEqual([30, 140, 100]);
});

test('a header is believed only as far as the bytes go', async () => {
  const bytes = writeBmp(40, 30, { bits: 8, palette: grey256 }, colourAt).subarray(0, 1_280);
  for (const bits of [1, 4, 8, 16, 24, 32]) {
    bytes.writeInt32LE(9_999, 18);
    bytes.writeInt32LE(9_999, 22);
    bytes.writeUInt16LE(bits, 28);
    const header = readBmpHeader(bytes);
    expect(header && rowsHeld(header, bytes)).toBe(0);
    await expect(prepareImage(bytes)).rejects.toMatchObject({ code: 'not_an_image' });
  }
  const run = writeBmp(40, 30, { bits: 8, palette: grey256, runLength: true }, colourAt);
  run.writeInt32LE(9_999, 18);
  run.writeInt32LE(9_999, 22);
  await expect(prepareImage(run)).rejects.toMatchObject({ code: 'not_an_image' });
});

test('a BMP that was cut is taken with most of its rows, and refused with fewer', async () => {
  const whole = writeBmp(80, 60, { bits: 24 }, colourAt);
  await expect(prepareImage(whole.subarray(0, whole.length * 0.9))).resolves.toBeDefined();
  await expect(prepareImage(whole.subarray(0, whole.length * 0.4))).rejects.toMatchObject({
    code: 'not_an_image',
  });
});

test.each([
  ['a JPEG inside', 40, 4],
  ['a PNG inside', 40, 5],
  ['the fax code of OS/2', 64, 3],
])('a BMP with %s is of a format that is not read', async (_what, header, compression) => {
  const bytes = writeBmp(64, 64, { bits: 24, header: header as 40 | 64 }, colourAt);
  bytes.writeUInt32LE(compression, 30);
  if (header === 64) bytes.writeUInt16LE(1, 28);
  await expect(prepareImage(bytes)).rejects.toMatchObject({ code: 'unsupported_format' });
});

test('headers that say nonsense never break the reader', () => {
  const bytes = writeBmp(64, 64, { bits: 8, palette: grey256 }, colourAt);
  for (let at = 2; at < 54; at += 1) {
    for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
      const broken = Buffer.from(bytes);
      broken[at] = value;
      const header = isBmp(broken) ? readBmpHeader(broken) : undefined;
      if (header === undefined || header.width <= 0 || header.height <= 0) continue;
      if (rowsHeld(header, broken) < header.height / 2 || header.width * header.height > 1_000_000) continue;
      expect(decodeBmp(header, broken, 1).image.data).toHaveLength(header.width * header.height * 3);
    }
  }
});
