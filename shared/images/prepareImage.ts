import type { Metadata, Sharp } from 'sharp';
import { RollcallError } from '../errors/errors.ts';
import { faceLimits } from '../face/client.ts';
import type { FaceRectangle } from '../face/types.ts';
import { largestImageBytes } from '../config/resources.ts';
import { isBmp, readBmpHeader, rowsHeld, type BmpHeader } from './bmp.ts';
import { decodeInThread } from './decodeInThread.ts';
import { decodingBytes, ownShrink, shrinksOnLoad, type Layout } from './decodingCost.ts';
import { isDrawing, isRowwiseWebp, isWholeGif, isWholePng, type Size } from './formats.ts';
import { readJpegLayout } from './jpeg.ts';
import { createMemoryBudget } from './memoryBudget.ts';
import { loadSharp } from './sharp.ts';

/** An image that Face accepts. */
export type PreparedPicture = {
  bytes: Uint8Array;
  /** Size of the upright original. */
  size: Size;
  /** Whether the image was shrunk and its parts can be prepared with less shrinking. */
  hasFinerParts: boolean;
  /** Converts pixels of the prepared image to pixels of the upright original. */
  toOriginal(rectangle: FaceRectangle): FaceRectangle;
  /** Converts pixels of the upright original to pixels of the prepared image. */
  toPrepared(rectangle: FaceRectangle): FaceRectangle;
};

/** Pixel limits of images that are shrunk while they are decoded, and of all other images. */
const largestPixels = { shrinking: 200_000_000, others: 100_000_000 };
/**
 * The memory that all images being decoded share. An image of more than `alonePixels` pixels reserves the whole budget
 * and is decoded alone.
 */
const decoding = createMemoryBudget(400 * 1024 * 1024);
const alonePixels = 50_000_000;
const decodingSeconds = 60;
const smallestSide = faceLimits.smallestFace;
/** Face refuses files under 1 KB. */
const smallestFileForFace = 1_024;
/** Qualities tried in this order until the encoded image fits into the 6 MB that Face accepts. */
const jpegQualities = [92, 80, 60];
/** The share of rows that a damaged image has to contain to be accepted. */
const leastShare = 2 / 3;

type Inspected = {
  layout: Layout;
  /** Size of the upright image. */
  size: Size;
  /** Whether Face reads the file unchanged, as far as its format and content are concerned. */
  plain: boolean;
  bmp?: BmpHeader;
};

/**
 * Checks an image and converts it to one that Face accepts. An undamaged JPEG, PNG, GIF or BMP within the limits of
 * Face is passed unchanged (Face applies the EXIF orientation itself). Every other image becomes an upright JPEG of at
 * most 4096 pixels a side, including slightly damaged images, CMYK and 16 bits per channel, which Face does not promise
 * to read. A file that is too small for Face becomes an uncompressed PNG.
 * `part`: the only part of the image to prepare, in pixels of the upright original, as all rectangles are.
 * @throws RollcallError not_an_image, unsupported_format, image_too_small, image_too_large
 */
export async function prepareImage(bytes: Uint8Array, part?: FaceRectangle): Promise<PreparedPicture> {
  if (bytes.length > largestImageBytes) throw new RollcallError('image_too_large', 'The file is over 64 MB.');
  const inspected = isBmp(bytes) ? inspectBmp(bytes) : await inspect(bytes);
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
    const picture = await decoding.use(Math.max(cost, finerCost), () => convert(bytes, inspected, part));
    return { ...picture, hasFinerParts: false };
  }
  const isShrunk = Math.max(size.width, size.height) > faceLimits.imageSide;
  const picture = fits
    ? prepared(bytes, size, size)
    : await decoding.use(cost, () => convert(bytes, inspected));
  return { ...picture, hasFinerParts: isShrunk && finerCost <= decoding.total };
}

/**
 * Checks the pixels and the decoding cost, and returns the bytes of memory to reserve.
 * @throws RollcallError image_too_small, image_too_large
 */
function checkSize({ layout, size }: Inspected): number {
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

/** @throws RollcallError not_an_image, unsupported_format */
function inspectBmp(bytes: Uint8Array): Inspected {
  const header = readBmpHeader(bytes);
  if (header === undefined)
    throw new RollcallError('unsupported_format', 'The BMP holds pixels in a code that is not read.');
  const { width, height } = header;
  if (width <= 0 || height <= 0) throw new RollcallError('not_an_image', 'The BMP has no pixels.');
  const held = rowsHeld(header, bytes);
  const layout: Layout = {
    ...{ format: 'bmp', stored: { width, height }, channels: 3, bytesPerSample: 1 },
    ...{ turned: false, passes: false },
  };
  // The header is not trusted: a file that lacks too many of the claimed rows is refused before memory is allocated.
  if (held < height * leastShare && width * height <= largestPixels.shrinking) {
    throw new RollcallError('not_an_image', `The BMP has bytes for ${held} of its ${height} rows.`);
  }
  return { layout, size: { width, height }, plain: header.common && held === height, bmp: header };
}

/** @throws RollcallError not_an_image, unsupported_format */
async function inspect(bytes: Uint8Array): Promise<Inspected> {
  if (isDrawing(bytes)) throw new RollcallError('unsupported_format', 'The file is svg.');
  const metadata = await readMetadata(bytes);
  const format = formatOf(metadata);
  if (format === undefined) throw new RollcallError('unsupported_format', `The file is ${metadata.format}.`);
  const jpeg = format === 'jpeg' ? readJpegLayout(bytes) : undefined;
  const height = metadata.pageHeight ?? metadata.height;
  const stored = { width: metadata.width, height };
  const turned = (metadata.orientation ?? 1) > 1 && format !== 'heic';
  const upright =
    format === 'heic'
      ? stored
      : { ...metadata.autoOrient, ...(metadata.pageHeight === undefined ? {} : { height }) };
  const isWhole = {
    jpeg: () => jpeg?.regular === true,
    png: () => isWholePng(bytes),
    gif: () => isWholeGif(bytes),
  };
  const plain = metadata.space !== 'cmyk' && metadata.depth === 'uchar';
  return {
    layout: {
      ...{
        format,
        stored,
        turned,
        channels: metadata.channels,
        bytesPerSample: metadata.depth === 'uchar' ? 1 : 2,
      },
      passes: metadata.isProgressive,
      ...(jpeg === undefined ? {} : { coefficientBytes: jpeg.coefficientBytes }),
      rowwise: format === 'webp' && isRowwiseWebp(bytes),
    },
    size: { width: upright.width, height: upright.height },
    plain: plain && format in isWhole && isWhole[format as keyof typeof isWhole](),
  };
}

const readFormats: readonly string[] = ['jpeg', 'png', 'gif', 'webp', 'tiff'] satisfies Layout['format'][];

function formatOf({ format, compression }: Metadata): Layout['format'] | undefined {
  if (readFormats.includes(format)) return format as Layout['format'];
  if (format !== 'heif') return undefined;
  return compression === 'av1' ? 'avif' : compression === 'hevc' ? 'heic' : undefined;
}

async function readMetadata(bytes: Uint8Array): Promise<Metadata> {
  const sharp = await loadSharp();
  try {
    return await sharp(bytes, { limitInputPixels: false, failOn: 'none' }).metadata();
  } catch (error) {
    throw new RollcallError('not_an_image', undefined, { cause: error });
  }
}

async function convert(bytes: Uint8Array, inspected: Inspected, part?: FaceRectangle): Promise<Converted> {
  const { open, opened } = await openerOf(bytes, inspected);
  const picture = { bytes, original: inspected.size, opened, part };
  try {
    return await encode(() => open('warning'), picture);
  } catch (error) {
    refuseSlow(error);
    if (error instanceof RollcallError) throw error;
    await checkDamaged(open('none'), error);
    return await encode(() => open('none'), picture).catch((again: unknown) => {
      throw again instanceof RollcallError ? again : damaged(again);
    });
  }
}

type Opener = (failOn: 'none' | 'warning') => Sharp;

/**
 * Returns a function that opens the image with sharp, strict or tolerant of damage. BMP and HEIC, which sharp does not
 * read, are decoded first.
 */
async function openerOf(
  bytes: Uint8Array,
  { layout, bmp, size }: Inspected,
): Promise<{ open: Opener; opened: Size }> {
  const sharp = await loadSharp();
  const { format, stored } = layout;
  if (format !== 'bmp' && format !== 'heic') {
    const open: Opener = (failOn) =>
      sharp(bytes, { limitInputPixels: largestPixels.shrinking, failOn }).timeout({
        seconds: decodingSeconds,
      });
    return { open, opened: size };
  }
  const shrinkBy = ownShrink(stored);
  const { picture, rows } = await decodeInThread(
    bytes,
    bmp === undefined ? { format: 'heic', shrinkBy } : { format: 'bmp', header: bmp, shrinkBy },
  );
  if (rows < stored.height * leastShare) throw damaged();
  const { data, width, height } = picture;
  return { open: () => sharp(data, { raw: { width, height, channels: 3 } }), opened: { width, height } };
}

/** `opened` is the size of the upright image after decoding: the BMP and HEIC decoders may shrink the image. */
type ToEncode = { bytes: Uint8Array; original: Size; opened: Size; part: FaceRectangle | undefined };

async function encode(open: () => Sharp, { bytes, original, opened, part }: ToEncode): Promise<Converted> {
  const upright = (): Sharp => {
    const whole = open().autoOrient();
    const wanted = part === undefined ? whole : whole.extract(scaled(part, original, opened));
    return wanted.flatten({ background: '#ffffff' }).toColourspace('srgb');
  };
  if (bytes.length < smallestFileForFace) {
    return prepared(await upright().png({ compressionLevel: 0 }).toBuffer(), original, original);
  }
  const side = faceLimits.imageSide;
  for (const quality of jpegQualities) {
    // Opens the image again for each quality: a clone would copy the whole file on the event loop.
    const resized = upright().resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true });
    const { data, info } = await resized.jpeg({ quality }).toBuffer({ resolveWithObject: true });
    if (data.length <= faceLimits.imageBytes) return prepared(data, info, original, part);
  }
  throw new RollcallError('image_too_large', 'The picture cannot be brought under 6 MB.');
}

const looked = { width: 32, height: 200 };

/**
 * Refuses an image of which too much is missing. The missing end of a truncated image is decoded as one colour, that of
 * the last pixel, so rows of only that colour count as missing; the share of the other rows has to be `leastShare`.
 * @throws RollcallError not_an_image
 */
async function checkDamaged(opened: Sharp, cause: unknown): Promise<void> {
  const data = await opened
    .removeAlpha()
    .toColourspace('srgb')
    .resize({ ...looked, fit: 'fill', kernel: 'nearest' })
    .raw()
    .toBuffer()
    .catch((error: unknown) => {
      throw damaged(error);
    });
  const row = data.length / looked.height;
  const pixel = row / looked.width;
  const last = data.subarray(data.length - pixel);
  const isFill = (value: number, at: number): boolean => Math.abs(value - (last[at % pixel] ?? 0)) <= 2;
  const rows = Array.from({ length: looked.height }, (_, y) => data.subarray(y * row, (y + 1) * row));
  const missing = rows.filter((values) => values.every(isFill)).length;
  if (missing > looked.height * (1 - leastShare)) throw damaged(cause);
}

function damaged(cause?: unknown): RollcallError {
  return new RollcallError('not_an_image', 'The picture is damaged.', { cause });
}

function refuseSlow(error: unknown): void {
  if (!(error instanceof Error) || !error.message.startsWith('timeout')) return;
  throw new RollcallError(
    'image_too_large',
    `Decoding the picture takes longer than ${decodingSeconds} seconds.`,
  );
}

type Converted = Omit<PreparedPicture, 'hasFinerParts'>;

function prepared(
  bytes: Uint8Array,
  size: Size,
  original: Size,
  part: FaceRectangle = { left: 0, top: 0, ...original },
): Converted {
  return {
    bytes,
    size: original,
    toOriginal(rectangle) {
      const { left, top, ...rest } = scaled(rectangle, size, part);
      return { left: left + part.left, top: top + part.top, ...rest };
    },
    toPrepared({ left, top, ...rest }) {
      return scaled({ left: left - part.left, top: top - part.top, ...rest }, part, size);
    },
  };
}

/** Scales a rectangle, and rounds and clips it to whole pixels inside the target. */
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
