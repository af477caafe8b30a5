import type { Sharp } from 'sharp';
import { RollcallError } from '../errors/errors.ts';

/** The share of rows that a damaged image has to contain to be accepted. */
export const leastShare = 2 / 3;

/** The size to which an image is scaled to be searched for missing rows, in pixels. */
const sample = { width: 32, height: 200 };

/**
 * Refuses an image of which too much is missing. The missing end of a truncated image is decoded as one colour, that of
 * the last pixel, so rows of only that colour count as missing; the share of the other rows has to be `leastShare`.
 * @throws RollcallError not_an_image
 */
export async function checkDamaged(opened: Sharp, cause: unknown): Promise<void> {
  const data = await opened
    .removeAlpha()
    .toColourspace('srgb')
    .resize({ ...sample, fit: 'fill', kernel: 'nearest' })
    .raw()
    .toBuffer()
    .catch((error: unknown) => {
      throw toDamaged(error);
    });
  const row = data.length / sample.height;
  const pixel = row / sample.width;
  const last = data.subarray(data.length - pixel);
  const isFill = (value: number, at: number): boolean => Math.abs(value - (last[at % pixel] ?? 0)) <= 2;
  const rows = Array.from({ length: sample.height }, (_, y) => data.subarray(y * row, (y + 1) * row));
  const missing = rows.filter((values) => values.every(isFill)).length;
  if (missing > sample.height * (1 - leastShare)) throw toDamaged(cause);
}

export function toDamaged(cause?: unknown): RollcallError {
  return new RollcallError('not_an_image', 'The picture is damaged.', { cause });
}
