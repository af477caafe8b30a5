import fc from 'fast-check';
import { expect, test } from 'vitest';
import { faceLimits } from '../../../shared/face/client.ts';
import { mergeFaces, splitIntoParts } from '../../../shared/images/parts.ts';
import { sizeOf } from '../../helpers/size.ts';

const side = fc.integer({ min: faceLimits.smallestFace, max: 30_000 });
const numRuns = sizeOf({ quick: 200, full: 20_000 });

test('parts cover the picture, overlap by what may have vanished, and are shrunk less than the whole, or there are none', () => {
  fc.assert(
    fc.property(
      side,
      fc.integer({ min: faceLimits.imageSide + 1, max: 30_000 }),
      fc.integer({ min: 1, max: 16 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (width, height, atMost, x, y) => {
        const size = { width, height };
        const parts = splitIntoParts(size, atMost);
        expect(parts.length).toBeLessThanOrEqual(atMost);
        const longer = Math.max(width, height);
        // Four parts of a picture that is much shrunk show more, however it is shaped.
        if (atMost >= 4 && longer > 1.3 * faceLimits.imageSide) expect(parts).not.toEqual([]);
        if (parts.length === 0) return;
        const vanishing = Math.min((faceLimits.smallestFace * longer) / faceLimits.imageSide, width, height);
        const face = { left: x * (width - vanishing), top: y * (height - vanishing) };
        expect(
          parts.some(
            (part) =>
              part.left <= face.left &&
              part.top <= face.top &&
              part.left + part.width >= face.left + vanishing &&
              part.top + part.height >= face.top + vanishing,
          ),
        ).toBe(true);
        for (const part of parts) {
          expect(Math.min(part.left, part.top, part.width - 1, part.height - 1)).toBeGreaterThanOrEqual(0);
          expect(part.left + part.width).toBeLessThanOrEqual(width);
          expect(part.top + part.height).toBeLessThanOrEqual(height);
          expect(Math.max(part.width, part.height)).toBeLessThan(longer);
        }
      },
    ),
    { numRuns },
  );
});

test('a panorama is cut across, a large square into four', () => {
  expect(splitIntoParts({ width: 12_000, height: 2_000 }, 4)).toHaveLength(4);
  expect(splitIntoParts({ width: 12_000, height: 2_000 }, 4).every(({ height }) => height === 2_000)).toBe(
    true,
  );
  // Two are enough for that nothing is shrunk.
  expect(splitIntoParts({ width: 6_000, height: 2_000 }, 4)).toHaveLength(2);
  // The whole has shown as much.
  expect(splitIntoParts({ width: 4_200, height: 3_000 }, 4)).toEqual([]);
  expect(splitIntoParts({ width: 16_000, height: 16_000 }, 2)).toEqual([]);
  expect(
    splitIntoParts({ width: 16_000, height: 12_000 }, 4).map(({ left, top }) => [left > 0, top > 0]),
  ).toEqual([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ]);
});

test('what two parts show is one face', () => {
  const face = (left: number, width: number) => ({ faceRectangle: { left, top: 10, width, height: width } });
  const [ann, annAgain, ben] = [face(100, 60), face(104, 52), face(400, 90)];
  expect(mergeFaces([annAgain, ben, ann])).toEqual([ben, ann]);
  expect(mergeFaces([face(100, 60), face(150, 60)])).toHaveLength(2);
});
