import { RollcallError } from '../errors/errors.ts';
import { faceLimits } from '../face/client.ts';
import type { FaceRectangle } from '../face/types.ts';
import { largestImageBytes } from '../config/resources.ts';
import { convertImage, smallestFileForFace } from './convertImage.ts';
import { decodingBytes, shrinksOnLoad } from './decodingCost.ts';
import { inspectImage, largestPixels, type InspectedImage } from './inspectImage.ts';
import { createMemoryBudget } from './memoryBudget.ts';
import { toPreparedImage, type PreparedImage } from './preparedImage.ts';

/**
 * The memory that all images being decoded share. An image of more than `alonePixels` pixels reserves the whole budget
 * and is decoded alone.
 */
const decoding = createMemoryBudget(400 * 1024 * 1024);
const alonePixels = 50_000_000;
const smallestSide = faceLimits.smallestFace;

/**
 * Checks an image and converts it to one that Face accepts. An undamaged JPEG, PNG, GIF or BMP within the limits of
 * Face is passed unchanged (Face applies the EXIF orientation itself). Every other image becomes an upright JPEG of at
 * most 4096 pixels a side, including slightly damaged images, CMYK and 16 bits per channel, which Face does not promise
 * to read. A file that is too small for Face becomes an uncompressed PNG.
 * `part`: the only part of the image to prepare, in pixels of the upright original, as all rectangles are.
 * @throws RollcallError not_an_image, unsupported_format, image_too_small, image_too_large
 */
export async function prepareImage(bytes: Uint8Array, part?: FaceRectangle): Promise<PreparedImage> {
  if (bytes.length > largestImageBytes) throw new RollcallError('image_too_large', 'The file is over 64 MB.');
  const inspected = await inspectImage(bytes);
  const { size, plain } = inspected;
  const cost = checkSize(inspected);
  const fits =
    plain &&
    Math.max(size.width, size.height) <= faceLimits.imageSide &&
    bytes.length <= faceLimits.imageBytes &&
    bytes.length >= smallestFileForFace;
  const finerCost = decodingBytes(inspected.layout, { wholly: true });
  if (part !== undefined) {
    if (finerCost > decoding.total) throw new RollcallError('image_too_large');
    const image = await decoding.use(Math.max(cost, finerCost), () => convertImage(bytes, inspected, part));
    return { ...image, hasFinerParts: false };
  }
  const isShrunk = Math.max(size.width, size.height) > faceLimits.imageSide;
  const image = fits
    ? toPreparedImage(bytes, size, size)
    : await decoding.use(cost, () => convertImage(bytes, inspected));
  return { ...image, hasFinerParts: isShrunk && finerCost <= decoding.total };
}

/**
 * Checks the pixels and the decoding cost, and returns the bytes of memory to reserve.
 * @throws RollcallError image_too_small, image_too_large
 */
function checkSize({ layout, size }: InspectedImage): number {
  const said = `The picture has ${size.width} × ${size.height} pixels`;
  const pixels = size.width * size.height;
  const most = shrinksOnLoad(layout) ? largestPixels.shrinking : largestPixels.others;
  if (pixels > most) {
    throw new RollcallError(
      'image_too_large',
      `${said}; of this format ${most / 1_000_000} megapixels are taken.`,
    );
  }
  if (Math.min(size.width, size.height) < smallestSide)
    throw new RollcallError('image_too_small', `${said}.`);
  const cost = decodingBytes(layout);
  if (cost > decoding.total) {
    const [needed, given] = [cost, decoding.total].map((bytes) => Math.round(bytes / 1024 / 1024));
    throw new RollcallError(
      'image_too_large',
      `${said}, and decoding a ${layout.format.toUpperCase()} of this kind and size takes ${needed} MB of memory; ${given} MB are given.`,
    );
  }
  return pixels > alonePixels ? decoding.total : cost;
}
