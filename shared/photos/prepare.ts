import { decode as decodeBmp } from 'bmp-ts';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { RollcallError } from '../errors.ts';
import { faceLimits } from '../face/client.ts';
import type { FaceRectangle } from '../face/types.ts';
import { largestPictureBytes } from '../resources.ts';

/** A picture that Face takes; rectangles are in pixels of the upright picture that was sent. */
export type PreparedPicture = {
  bytes: Uint8Array;
  /** From the prepared to the upright original. */
  toOriginal(rectangle: FaceRectangle): FaceRectangle;
  /** From the upright original to the prepared. */
  toPrepared(rectangle: FaceRectangle): FaceRectangle;
};

type Size = { width: number; height: number };

const largestPixels = 100_000_000;
const smallestSide = faceLimits.smallestFace;
/** Face refuses files under 1 KB. */
const smallestFileForFace = 1_024;
const takenByFace = new Set(['jpeg', 'png', 'gif', 'bmp']);
const converted = new Set(['webp', 'tiff', 'heif']);
/** Tried in this order until the picture fits 6 MB. */
const jpegQualities = [92, 80, 60];

// One picture uses one core; the Functions host runs several functions at once.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Checks a picture and makes it one that Face takes: JPEG, PNG, GIF and BMP within Face's limits pass as they are
 * (Face applies the EXIF orientation itself); everything else becomes an upright JPEG of at most 4096 pixels a side.
 * @throws RollcallError not_an_image, unsupported_format, image_too_small, image_too_large
 */
export async function preparePicture(bytes: Uint8Array): Promise<PreparedPicture> {
  if (bytes.length > largestPictureBytes)
    throw new RollcallError('image_too_large', 'The file is over 64 MB.');
  const { format, size } = isBmp(bytes) ? { format: 'bmp', size: sizeOfBmp(bytes) } : await inspect(bytes);
  if (size.width * size.height > largestPixels) {
    throw new RollcallError('image_too_large', `The picture has ${size.width} × ${size.height} pixels.`);
  }
  if (Math.min(size.width, size.height) < smallestSide) {
    throw new RollcallError('image_too_small', `The picture has ${size.width} × ${size.height} pixels.`);
  }
  const fits =
    takenByFace.has(format) &&
    Math.max(size.width, size.height) <= faceLimits.imageSide &&
    bytes.length <= faceLimits.imageBytes &&
    bytes.length >= smallestFileForFace;
  return fits ? prepared(bytes, size, size) : convert(bytes, format, size);
}

/** The format, and the size of the picture when it stands upright. */
async function inspect(bytes: Uint8Array): Promise<{ format: string; size: Size }> {
  const metadata = await readMetadata(bytes);
  const { format } = metadata;
  const readable = takenByFace.has(format) || converted.has(format);
  if (!readable || (format === 'heif' && metadata.compression !== 'av1')) {
    throw new RollcallError('unsupported_format', `The file is ${format}.`);
  }
  const { width, height } = metadata.autoOrient;
  return { format, size: { width, height: metadata.pageHeight ?? height } };
}

async function readMetadata(bytes: Uint8Array): Promise<Metadata> {
  try {
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (error) {
    throw new RollcallError('not_an_image', undefined, { cause: error });
  }
}

async function convert(bytes: Uint8Array, format: string, original: Size): Promise<PreparedPicture> {
  try {
    const upright = open(bytes, format).autoOrient().flatten({ background: '#ffffff' }).toColourspace('srgb');
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

function open(bytes: Uint8Array, format: string): Sharp {
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

function isBmp(bytes: Uint8Array): boolean {
  return bytes.length > 26 && bytes[0] === 0x42 && bytes[1] === 0x4d;
}

/** BITMAPINFOHEADER: width at 18, height at 22, negative when the rows run from top to bottom. */
function sizeOfBmp(bytes: Uint8Array): Size {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
}
