import sharp, { type Sharp } from 'sharp';
import { ImageRefused, type Point } from '../vision.ts';
import { decodeBmp, isBmp } from './bmp.ts';

/** An upright picture in memory: RGB, 8 bits, row by row. */
export type Pixels = { data: Uint8Array; width: number; height: number };

const largestPixels = 100_000_000;

/** sharp reads more, SVG and PDF among them, but the Face API takes only these (and BMP). */
const formats = ['jpeg', 'png', 'gif'];

sharp.concurrency(1);
sharp.cache(false);

/**
 * Decodes JPEG, PNG, GIF (first frame) or BMP and sets it upright by its EXIF orientation.
 * @throws ImageRefused
 */
export async function decode(bytes: Uint8Array): Promise<Pixels> {
  try {
    const source = isBmp(bytes) ? openBmp(bytes) : await open(bytes);
    const upright = source
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha();
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
  const { format } = await source.metadata();
  if (!formats.includes(format)) {
    throw new ImageRefused('not_decodable', 'only JPEG, PNG, GIF and BMP are read');
  }
  return source;
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

/** Scales the picture to the given size; `contain` keeps its proportions, in the middle of a gray background. */
export async function resize(
  { data, width, height }: Pixels,
  toWidth: number,
  toHeight: number,
  fit: 'fill' | 'contain' = 'fill',
): Promise<Pixels> {
  const resized = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(toWidth, toHeight, { fit, kernel: 'linear', background: '#7f7f7f', fastShrinkOnLoad: false })
    .raw()
    .toBuffer();
  return { data: resized, width: toWidth, height: toHeight };
}

/** Maps a point of the crop to one of the picture: x' = a·x − b·y + c, y' = b·x + a·y + d. */
export type Similarity = { a: number; b: number; c: number; d: number };

/**
 * Cuts a size × size crop through a similarity, with `offset` taken off and then multiplied by `scale`, as one
 * planar RGB network input written at `at`. What lies outside the picture is `outside`. Where the crop is coarser
 * than the picture, each of its pixels is the mean of several.
 */
export function cut(
  { data, width, height }: Pixels,
  { a, b, c, d }: Similarity,
  size: number,
  into: Float32Array,
  at: number,
  { offset, scale, outside = offset }: { offset: number; scale: number; outside?: number },
): void {
  const plane = size * size;
  const step = Math.min(4, Math.max(1, Math.round(Math.hypot(a, b))));
  const share = 1 / (step * step);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let sub = 0; sub < step * step; sub += 1) {
        const u = x + (sub % step) / step + 0.5 / step - 0.5;
        const v = y + Math.floor(sub / step) / step + 0.5 / step - 0.5;
        const px = a * u - b * v + c;
        const py = b * u + a * v + d;
        const left = Math.floor(px);
        const top = Math.floor(py);
        if (left < -1 || top < -1 || left >= width || top >= height) {
          red += outside;
          green += outside;
          blue += outside;
          continue;
        }
        const fx = px - left;
        const fy = py - top;
        const x0 = Math.max(0, left);
        const x1 = Math.min(width - 1, left + 1);
        const y0 = Math.max(0, top) * width;
        const y1 = Math.min(height - 1, top + 1) * width;
        const w00 = (1 - fx) * (1 - fy);
        const w01 = fx * (1 - fy);
        const w10 = (1 - fx) * fy;
        const w11 = fx * fy;
        const p00 = (y0 + x0) * 3;
        const p01 = (y0 + x1) * 3;
        const p10 = (y1 + x0) * 3;
        const p11 = (y1 + x1) * 3;
        red += w00 * at8(data, p00) + w01 * at8(data, p01) + w10 * at8(data, p10) + w11 * at8(data, p11);
        green +=
          w00 * at8(data, p00 + 1) +
          w01 * at8(data, p01 + 1) +
          w10 * at8(data, p10 + 1) +
          w11 * at8(data, p11 + 1);
        blue +=
          w00 * at8(data, p00 + 2) +
          w01 * at8(data, p01 + 2) +
          w10 * at8(data, p10 + 2) +
          w11 * at8(data, p11 + 2);
      }
      const target = at + y * size + x;
      into[target] = (red * share - offset) * scale;
      into[target + plane] = (green * share - offset) * scale;
      into[target + 2 * plane] = (blue * share - offset) * scale;
    }
  }
}

/** The index is inside by construction. */
function at8(data: Uint8Array, index: number): number {
  return data[index] as number;
}

/** A whole picture as planar RGB. */
export function planar({ data, width, height }: Pixels, offset: number, scale: number): Float32Array {
  const plane = width * height;
  const values = new Float32Array(plane * 3);
  for (let index = 0; index < plane; index += 1) {
    values[index] = ((data[index * 3] ?? 0) - offset) * scale;
    values[index + plane] = ((data[index * 3 + 1] ?? 0) - offset) * scale;
    values[index + 2 * plane] = ((data[index * 3 + 2] ?? 0) - offset) * scale;
  }
  return values;
}

/** The least-squares similarity that takes the points `from` to `to`. */
export function similarityBetween(from: readonly Point[], to: readonly Point[]): Similarity {
  const mean = (points: readonly Point[]) => ({
    x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
    y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
  });
  const [f, t] = [mean(from), mean(to)];
  let along = 0;
  let across = 0;
  let spread = 0;
  for (const [index, point] of from.entries()) {
    const goal = to[index] ?? t;
    const [x, y, u, v] = [point.x - f.x, point.y - f.y, goal.x - t.x, goal.y - t.y];
    along += x * u + y * v;
    across += x * v - y * u;
    spread += x * x + y * y;
  }
  const [a, b] = [along / spread, across / spread];
  return { a, b, c: t.x - a * f.x + b * f.y, d: t.y - b * f.x - a * f.y };
}
