import sharp, { type Sharp } from 'sharp';
import { ImageRefused } from '../../contract/vision.ts';
import { decodeBmp, isBmp } from './bmp.ts';

/** An upright picture of so many pixels. */
export type Pixels = {
  width: number;
  height: number;
  /** RGB, 8 bits, row by row; of a very large picture those of a smaller one. */
  data: Uint8Array;
  /** By how much its width and height were divided for it, and rounded up; absent: not at all. */
  shrunk?: number;
};

const largestPixels = 100_000_000;
/**
 * Larger pictures are shrunk while they are decoded, so that none takes more than some 170 MB: the smallest face that is
 * looked for, 36 pixels where the longer side has 1,920, still has 72.
 */
const longestSide = 3_840;

/** sharp reads more, SVG and PDF among them, but the Face API takes only these (and BMP). */
const formats = ['jpeg', 'png', 'gif'];

sharp.concurrency(1);
sharp.cache(false);

// glibc gives back freed blocks that are larger than any it has seen freed before, up to 32 MiB, and fetching fresh ones
// for the next picture takes as long as decoding it (mallopt(3), M_MMAP_THRESHOLD). Now it has seen one.
new ArrayBuffer(31 * 2 ** 20).transfer(0);

/**
 * Decodes JPEG, PNG, GIF (first frame) or BMP and sets it upright by its EXIF orientation.
 * @throws ImageRefused
 */
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
    if (message.includes('pixel limit')) throw new ImageRefused('too_big', 'the picture has too many pixels');
    throw new ImageRefused('not_decodable', 'the picture cannot be decoded');
  }
}

async function open(bytes: Uint8Array): Promise<{ upright: Sharp; width: number; height: number }> {
  const source = sharp(bytes, { limitInputPixels: largestPixels }).autoOrient();
  const { format, hasAlpha, autoOrient } = await source.metadata();
  if (!formats.includes(format)) {
    throw new ImageRefused('not_decodable', 'only JPEG, PNG, GIF and BMP are read');
  }
  // Each step costs a pass over the pixels.
  return { upright: hasAlpha ? source.flatten({ background: '#ffffff' }) : source, ...autoOrient };
}

function grayToRgb(gray: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(gray.length * 3);
  for (const [index, value] of gray.entries()) rgb.fill(value, index * 3, index * 3 + 3);
  return rgb;
}
