import { decode as decodeBmp } from 'bmp-ts';
import type { Metadata, Sharp } from 'sharp';
import { RollcallError } from '../errors.ts';
import { faceLimits } from '../face/client.ts';
import type { FaceRectangle } from '../face/types.ts';
import { largestPictureBytes } from '../resources.ts';
import { isBmp, isDrawing, sizeOfBmp, type Size } from './formats.ts';
import { loadSharp } from './sharp.ts';

/** A picture that Face takes; rectangles are in pixels of the upright picture that was sent. */
export type PreparedPicture = {
  bytes: Uint8Array;
  /** From the prepared to the upright original. */
  toOriginal(rectangle: FaceRectangle): FaceRectangle;
  /** From the upright original to the prepared. */
  toPrepared(rectangle: FaceRectangle): FaceRectangle;
};

const largestPixels = 100_000_000;
const smallestSide = faceLimits.smallestFace;
/** Face refuses files under 1 KB. */
const smallestFileForFace = 1_024;
const takenByFace = new Set(['jpeg', 'png', 'gif', 'bmp']);
const converted = new Set(['webp', 'tiff', 'heif']);
/** Tried in this order until the picture fits 6 MB. */
const jpegQualities = [92, 80, 60];

/**
 * Checks a picture and makes it one that Face takes: JPEG, PNG, GIF and BMP within Face's limits pass as they are
 * (Face applies the EXIF orientation itself); everything else, also CMYK and 16 bits a channel, which Face does not
 * promise to read, becomes an upright JPEG of at most 4096 pixels a side.
 * @throws RollcallError not_an_image, unsupported_format, image_too_small, image_too_large
 */
export async function preparePicture(bytes: Uint8Array): Promise<PreparedPicture> {
  if (bytes.length > largestPictureBytes)
    throw new RollcallError('image_too_large', 'The file is over 64 MB.');
  const { format, size, plain } = isBmp(bytes)
    ? { format: 'bmp', size: sizeOfBmp(bytes), plain: true }
    : await inspect(bytes);
  if (size.width * size.height > largestPixels) {
    throw new RollcallError('image_too_large', `The picture has ${size.width} × ${size.height} pixels.`);
  }
  if (Math.min(size.width, size.height) < smallestSide) {
    throw new RollcallError('image_too_small', `The picture has ${size.width} × ${size.height} pixels.`);
  }
  const fits =
    plain &&
    takenByFace.has(format) &&
    Math.max(size.width, size.height) <= faceLimits.imageSide &&
    bytes.length <= faceLimits.imageBytes &&
    bytes.length >= smallestFileForFace;
  return fits ? prepared(bytes, size, size) : convert(bytes, format, size);
}

type Inspected = { format: string; size: Size; plain: boolean };

/** The format, the size of the picture when it stands upright, and whether it is of 8 bits in grey or RGB. */
async function inspect(bytes: Uint8Array): Promise<Inspected> {
  if (isDrawing(bytes)) throw new RollcallError('unsupported_format', 'The file is svg.');
  const metadata = await readMetadata(bytes);
  const { format } = metadata;
  const readable = takenByFace.has(format) || converted.has(format);
  if (!readable || (format === 'heif' && metadata.compression !== 'av1')) {
    throw new RollcallError('unsupported_format', `The file is ${format}.`);
  }
  const { width, height } = metadata.autoOrient;
  const plain = metadata.space !== 'cmyk' && metadata.depth === 'uchar';
  return { format, size: { width, height: metadata.pageHeight ?? height }, plain };
}

async function readMetadata(bytes: Uint8Array): Promise<Metadata> {
  const sharp = await loadSharp();
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (error) {
    throw new RollcallError('not_an_image', undefined, { cause: error });
  }
}

async function convert(bytes: Uint8Array, format: string, original: Size): Promise<PreparedPicture> {
  try {
    const upright = (await open(bytes, format))
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb');
    if (bytes.length < smallestFileForFace) {
      return prepared(await upright.png({ compressionLevel: 0 }).toBuffer(), original, original);
    }
    const side = faceLimits.imageSide;
    const resized = upright.resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true });
    for (const quality of jpegQualities) {
      const { data, info } = await resized.clone().jpeg({ quality }).toBuffer({ resolveWithObject: true });
      if (data.length <= faceLimits.imageBytes) return prepared(data, info, original);
    }
  } catch (error) {
    throw new RollcallError('not_an_image', 'The picture is damaged.', { cause: error });
  }
  throw new RollcallError('image_too_large', 'The picture cannot be brought under 6 MB.');
}

async function open(bytes: Uint8Array, format: string): Promise<Sharp> {
  const sharp = await loadSharp();
  if (format !== 'bmp') return sharp(bytes, { limitInputPixels: largestPixels });
  const { data, width, height } = decodeBmp(Buffer.from(bytes), { toRGBA: true });
  return sharp(data, { raw: { width, height, channels: 4 } }).removeAlpha();
}

function prepared(bytes: Uint8Array, size: Size, original: Size): PreparedPicture {
  return {
    bytes,
    toOriginal: (rectangle) => scaled(rectangle, size, original),
    toPrepared: (rectangle) => scaled(rectangle, original, size),
  };
}

/** Whole pixels inside the picture. */
function scaled(rectangle: FaceRectangle, from: Size, to: Size): FaceRectangle {
  const x = to.width / from.width;
  const y = to.height / from.height;
  const left = Math.min(Math.max(0, Math.round(rectangle.left * x)), to.width - 1);
  const top = Math.min(Math.max(0, Math.round(rectangle.top * y)), to.height - 1);
  return {
    left,
    top,
    width: Math.max(1, Math.min(Math.round(rectangle.width * x), to.width - left)),
    height: Math.max(1, Math.min(Math.round(rectangle.height * y), to.height - top)),
  };
}
