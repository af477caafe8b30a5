import sharp, { type Sharp } from 'sharp';
import { ImageRefused } from '../../contract/vision.ts';
import { decodeBmp, isBmp } from './bmp.ts';

/** A decoded, upright image. */
export type Pixels = {
  /** Size of the original image in pixels. */
  width: number;
  height: number;
  /** RGB, 8 bits, row by row; those of a smaller copy if the image is very large. */
  data: Uint8Array;
  /** The divisor of width and height for `data`, by default 1. The quotients are rounded up. */
  shrunk?: number;
};

const largestPixels = 100_000_000;
/**
 * Larger images are shrunk during decoding, so that an image takes at most some 170 MB. The smallest face in scope, 36
 * pixels per 1,920 pixels of the longer side, then still has 72 pixels.
 */
const longestSide = 3_840;

/** The Face API takes only these and BMP; sharp reads more formats, such as SVG and PDF. */
const formats = ['jpeg', 'png', 'gif'];

sharp.concurrency(1);
sharp.cache(false);

// glibc returns freed blocks to the system if they are larger than any block freed before, up to 32 MiB; allocating
// them again for each image takes as long as its decoding (mallopt(3), M_MMAP_THRESHOLD). This frees one large block.
new ArrayBuffer(31 * 2 ** 20).transfer(0);

/** Decodes JPEG, PNG, GIF (first frame) or BMP, upright by its EXIF orientation. @throws ImageRefused */
export async function decode(bytes: Uint8Array): Promise<Pixels> {
  try {
    if (isBmp(bytes)) return decodeBmp(bytes, largestPixels);
    const { upright, width, height } = await open(bytes);
    const shrunk = Math.ceil(Math.max(width, height) / longestSide);
    if (shrunk > 1) {
      const size = { width: Math.ceil(width / shrunk), height: Math.ceil(height / shrunk) };
      upright.resize({ ...size, fit: 'fill', kernel: 'linear' });
    }
    const { data, info } = await upright.raw().toBuffer({ resolveWithObject: true });
    return { data: info.channels === 3 ? data : grayToRgb(data), width, height, shrunk };
  } catch (error) {
    if (error instanceof ImageRefused) throw error;
    const message = error instanceof Error ? error.message : '';
    if (message.includes('pixel limit')) throw new ImageRefused('too_big', 'the image has too many pixels');
    throw new ImageRefused('not_decodable', 'the image cannot be decoded');
  }
}

async function open(bytes: Uint8Array): Promise<{ upright: Sharp; width: number; height: number }> {
  const source = sharp(bytes, { limitInputPixels: largestPixels }).autoOrient();
  const { format, hasAlpha, autoOrient } = await source.metadata();
  if (!formats.includes(format)) {
    throw new ImageRefused('not_decodable', 'only JPEG, PNG, GIF and BMP are read');
  }
  // Flattened only if necessary, since each step costs a pass over the pixels.
  return { upright: hasAlpha ? source.flatten({ background: '#ffffff' }) : source, ...autoOrient };
}

function grayToRgb(gray: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(gray.length * 3);
  for (const [index, value] of gray.entries()) rgb.fill(value, index * 3, index * 3 + 3);
  return rgb;
}
