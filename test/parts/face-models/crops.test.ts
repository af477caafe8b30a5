import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mirrorImage } from '../../../emulators/face/models/alignedFace.ts';
import type { Pixels } from '../../../emulators/face/models/image/decode.ts';
import { openPyramid } from '../../../emulators/face/models/image/pyramid.ts';
import {
  compose,
  levelCrop,
  similarityBetween,
  type Similarity,
} from '../../../emulators/face/models/image/similarity.ts';

/* How networks get their pictures. */

/** Red rises by two a pixel to the right, green downwards, blue stays; `shrunk`: as it is held of a large picture. */
function slopes(width: number, height: number, shrunk = 1): Pixels {
  const columns = Math.ceil(width / shrunk);
  const rows = Math.ceil(height / shrunk);
  const data = new Uint8Array(columns * rows * 3);
  const value = (index: number) => 2 * ((index + 0.5) * shrunk - 0.5);
  for (let index = 0; index < columns * rows; index += 1) {
    data.set([value(index % columns), value(Math.floor(index / columns)), 77], index * 3);
  }
  return { data, width, height, shrunk };
}

function crop(picture: Pixels, toImage: Similarity, side: number, outside?: number): Float32Array {
  const opened = openPyramid(picture);
  try {
    const normal = { offset: 0, scale: 1, ...(outside === undefined ? {} : { outside }) };
    return opened.cut([toImage], { width: side, height: side }, normal).slice();
  } finally {
    opened.close();
  }
}

test('a crop shows the place it was cut from, whatever level of the picture it comes from', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 3),
      fc.integer({ min: 8, max: 40 }),
      fc.integer({ min: 8, max: 30 }),
      fc.double({ min: 0.4, max: 4, noNaN: true }),
      fc.double({ min: -0.4, max: 0.4, noNaN: true }),
      (shrunk, x, y, step, angle) => {
        const side = 8;
        const picture = slopes(120, 99, shrunk);
        const [a, b] = [step * Math.cos(angle), step * Math.sin(angle)];
        const toImage = { a, b, c: x + 12 * Math.abs(Math.sin(angle)) * 3, d: y };
        const values = crop(picture, toImage, side);
        for (let row = 0; row < side; row += 1) {
          for (let column = 0; column < side; column += 1) {
            const atX = a * column - b * row + toImage.c;
            const atY = b * column + a * row + toImage.d;
            if (atX < 4 || atY < 4 || atX > 115 || atY > 94) continue;
            const at = row * side + column;
            // Slopes stay slopes when pixels are averaged; each level rounds.
            expect(Math.abs((values[at] ?? 0) - atX * 2)).toBeLessThan(3);
            expect(Math.abs((values[at + side * side] ?? 0) - atY * 2)).toBeLessThan(3);
            expect(values[at + 2 * side * side]).toBeCloseTo(77, 3);
          }
        }
      },
    ),
  );
});

test('a coarse crop is the mean of what it covers, not a sample of it', () => {
  const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, index) =>
    (Math.floor(index / 3) + Math.floor(index / 192)) % 2 === 0 ? 0 : 200,
  );
  const values = crop({ data, width: 64, height: 64 }, levelCrop(0, 0, 4), 16);
  for (const value of values) expect(value).toBeCloseTo(100, 0);
});

test('beyond the edges is what was asked for', () => {
  const values = crop(slopes(40, 40), { a: 1, b: 0, c: -10, d: -10 }, 8, 5);
  expect([...values]).toEqual(Array.from({ length: 3 * 64 }, () => 5));
});

test('a similarity takes points to points, and one after the other is their composition', () => {
  const from = [
    { x: 0, y: 0 },
    { x: 10, y: 2 },
    { x: 3, y: 9 },
  ];
  const known = { a: 1.5, b: -0.7, c: 12, d: -3 };
  const apply = ({ a, b, c, d }: Similarity, { x, y }: { x: number; y: number }) => ({
    x: a * x - b * y + c,
    y: b * x + a * y + d,
  });
  const found = similarityBetween(
    from,
    from.map((point) => apply(known, point)),
  );
  for (const side of ['a', 'b', 'c', 'd'] as const) expect(found[side]).toBeCloseTo(known[side], 6);
  const other = { a: 0.3, b: 0.2, c: -1, d: 4 };
  const point = { x: 7, y: -2 };
  const together = apply(compose(known, other), point);
  const oneByOne = apply(known, apply(other, point));
  expect(together.x).toBeCloseTo(oneByOne.x, 6);
  expect(together.y).toBeCloseTo(oneByOne.y, 6);
});

test('the mirror image of a mirror image is the picture', () => {
  const values = Float32Array.from({ length: 3 * 4 * 4 }, (_, index) => index);
  expect([...mirrorImage(values, 4).slice(0, 4)]).toEqual([3, 2, 1, 0]);
  expect(mirrorImage(mirrorImage(values, 4), 4)).toEqual(values);
});
