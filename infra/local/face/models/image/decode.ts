import sharp, { type Sharp } from 'sharp';
import { ImageRefused } from '../../vision.ts';
import { decodeBmp, isBmp } from './bmp.ts';

/** An upright picture in memory: RGB, 8 bits, row by row. */
export type Pixels = { data: Uint8Array; width: number; height: number };

const largestPixels = 100_000_000;

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
    const source = isBmp(bytes) ? openBmp(bytes) : await open(bytes);
    const upright = source.autoOrient();
    const { data, info } = await upright.raw().toBuffer({ resolveWithObject: true });
    const pixels = { width: info.width, height: info.height };
    return info.channels === 3 ? { data, ...pixels } : { data: grayToRgb(data), ...pixels };
  } catch (error) {
    if (error instanceof ImageRefused) throw error;
    const message = error instanceof Error ? error.message : '';
    if (message.includes('pixel limit')) throw new ImageRefused('too_big', 'the picture has too many pixels');
    throw new ImageRefused('not_decodable', 'the picture cannot be decoded');
  }
}

async function open(bytes: Uint8Array): Promise<Sharp> {
  const source = sharp(bytes, { limitInputPixels: largestPixels });
  const { format, hasAlpha } = await source.metadata();
  if (!formats.includes(format)) {
    throw new ImageRefused('not_decodable', 'only JPEG, PNG, GIF and BMP are read');
  }
  // Each step costs a pass over the pixels.
  return hasAlpha ? source.flatten({ background: '#ffffff' }) : source;
}

function openBmp(bytes: Uint8Array): Sharp {
  const { data, width, height } = decodeBmp(bytes, largestPixels);
  return sharp(data, { raw: { width, height, channels: 3 } });
}

function grayToRgb(gray: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(gray.length * 3);
  for (const [index, value] of gray.entries()) rgb.fill(value, index * 3, index * 3 + 3);
  return rgb;
}
