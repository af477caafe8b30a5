import type { Metadata } from 'sharp';
import { RollcallError } from '../errors/errors.ts';
import { isBmp, readBmpHeader, rowsHeld, type BmpHeader } from './bmpHeader.ts';
import { leastShare } from './damage.ts';
import type { Layout } from './decodingCost.ts';
import { isDrawing, isRowwiseWebp, isWholeGif, isWholePng, type Size } from './formats.ts';
import { readJpegLayout } from './jpeg.ts';
import { loadSharp } from './sharp.ts';

/** Pixel limits of images that are shrunk while they are decoded, and of all other images. */
export const largestPixels = { shrinking: 200_000_000, others: 100_000_000 };

/** What is known of an image before it is decoded. */
export type InspectedImage = {
  layout: Layout;
  /** Size of the upright image. */
  size: Size;
  /** Whether Face reads the file unchanged, as far as its format and content are concerned. */
  plain: boolean;
  bmp?: BmpHeader;
};

/** @throws RollcallError not_an_image, unsupported_format */
export async function inspectImage(bytes: Uint8Array): Promise<InspectedImage> {
  return isBmp(bytes) ? inspectBmp(bytes) : inspectOther(bytes);
}

function inspectBmp(bytes: Uint8Array): InspectedImage {
  const header = readBmpHeader(bytes);
  if (header === undefined)
    throw new RollcallError('unsupported_format', 'The BMP holds pixels in a code that is not read.');
  const { width, height } = header;
  if (width <= 0 || height <= 0) throw new RollcallError('not_an_image', 'The BMP has no pixels.');
  const held = rowsHeld(header, bytes);
  const layout: Layout = {
    ...{ format: 'bmp', stored: { width, height }, turned: false },
    ...{ channels: 3, bytesPerSample: 1, passes: false },
  };
  // The header is not trusted: a file that lacks too many of the claimed rows is refused before memory is allocated.
  if (held < height * leastShare && width * height <= largestPixels.shrinking) {
    throw new RollcallError('not_an_image', `The BMP has bytes for ${held} of its ${height} rows.`);
  }
  return { layout, size: { width, height }, plain: header.common && held === height, bmp: header };
}

async function inspectOther(bytes: Uint8Array): Promise<InspectedImage> {
  if (isDrawing(bytes)) throw new RollcallError('unsupported_format', 'The file is svg.');
  const metadata = await readMetadata(bytes);
  const format = toFormat(metadata);
  if (format === undefined) throw new RollcallError('unsupported_format', `The file is ${metadata.format}.`);
  const jpeg = format === 'jpeg' ? readJpegLayout(bytes) : undefined;
  const height = metadata.pageHeight ?? metadata.height;
  const stored = { width: metadata.width, height };
  const turned = (metadata.orientation ?? 1) > 1 && format !== 'heic';
  const upright =
    format === 'heic'
      ? stored
      : { ...metadata.autoOrient, ...(metadata.pageHeight !== undefined && { height }) };
  const isWhole = {
    jpeg: () => jpeg?.regular === true,
    png: () => isWholePng(bytes),
    gif: () => isWholeGif(bytes),
  };
  const plain = metadata.space !== 'cmyk' && metadata.depth === 'uchar';
  return {
    layout: {
      format,
      stored,
      turned,
      channels: metadata.channels,
      bytesPerSample: metadata.depth === 'uchar' ? 1 : 2,
      passes: metadata.isProgressive,
      ...(jpeg !== undefined && { coefficientBytes: jpeg.coefficientBytes }),
      rowwise: format === 'webp' && isRowwiseWebp(bytes),
    },
    size: { width: upright.width, height: upright.height },
    plain: plain && format in isWhole && isWhole[format as keyof typeof isWhole](),
  };
}

const readFormats: readonly string[] = ['jpeg', 'png', 'gif', 'webp', 'tiff'] satisfies Layout['format'][];

function toFormat({ format, compression }: Metadata): Layout['format'] | undefined {
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
