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

/** A picture and its halves: each level has half the width and height of the one before it. */
export type Pyramid = readonly [Pixels, ...Pixels[]];

/** Below this side no crop is taken from a smaller level. */
const smallestLevel = 16;

export function pyramidOf(picture: Pixels): Pyramid {
  const levels: [Pixels, ...Pixels[]] = [picture];
  for (let level = picture; Math.min(level.width, level.height) >= 2 * smallestLevel;) {
    level = halved(level);
    levels.push(level);
  }
  return levels;
}

/** Each pixel the mean of four. */
function halved({ data, width, height }: Pixels): Pixels {
  const half = { width: width >> 1, height: height >> 1 };
  const stride = width * 3;
  const to = new Uint8Array(half.width * half.height * 3);
  let at = 0;
  for (let y = 0; y < half.height; y += 1) {
    let from = y * 2 * stride;
    for (let x = 0; x < half.width; x += 1, from += 6, at += 3) {
      for (let channel = 0; channel < 3; channel += 1) {
        const upper = from + channel;
        const lower = upper + stride;
        to[at + channel] =
          (at8(data, upper) + at8(data, upper + 3) + at8(data, lower) + at8(data, lower + 3) + 2) >> 2;
      }
    }
  }
  return { data: to, ...half };
}

/** Maps a point of the crop to one of the picture: x' = a·x − b·y + c, y' = b·x + a·y + d. */
export type Similarity = { a: number; b: number; c: number; d: number };

/** How pixels become the input of a network: (value − offset) · scale; `outside` is the value beyond the edges. */
export type Normalization = {
  offset: number | readonly [number, number, number];
  scale: number;
  outside?: number;
};

/**
 * Cuts a crop through a similarity and writes it at `at` as one planar RGB network input. Where the crop is coarser
 * than the picture it comes from a smaller level of the pyramid, so that each of its pixels stands for several.
 */
export function cut(
  pyramid: Pyramid,
  toPicture: Similarity,
  { width, height }: { width: number; height: number },
  into: Float32Array,
  at: number,
  { offset, scale, outside }: Normalization,
): void {
  const [red, green, blue] = typeof offset === 'number' ? [offset, offset, offset] : offset;
  const beyond = outside === undefined ? [red, green, blue] : [outside, outside, outside];
  const [beyondRed = 0, beyondGreen = 0, beyondBlue = 0] = beyond;
  const { level, a, b, c, d } = onLevel(pyramid, toPicture);
  const { data, width: levelWidth, height: levelHeight } = level;
  const plane = width * height;
  const stride = levelWidth * 3;
  let target = at;
  for (let y = 0; y < height; y += 1) {
    let px = c - b * y;
    let py = d + a * y;
    for (let x = 0; x < width; x += 1, px += a, py += b, target += 1) {
      const left = Math.floor(px);
      const top = Math.floor(py);
      if (left < -1 || top < -1 || left >= levelWidth || top >= levelHeight) {
        into[target] = (beyondRed - red) * scale;
        into[target + plane] = (beyondGreen - green) * scale;
        into[target + 2 * plane] = (beyondBlue - blue) * scale;
        continue;
      }
      const fx = px - left;
      const fy = py - top;
      const x0 = left < 0 ? 0 : left * 3;
      const x1 = left + 1 >= levelWidth ? (levelWidth - 1) * 3 : (left + 1) * 3;
      const y0 = top < 0 ? 0 : top * stride;
      const y1 = top + 1 >= levelHeight ? (levelHeight - 1) * stride : (top + 1) * stride;
      const w11 = fx * fy;
      const w01 = fx - w11;
      const w10 = fy - w11;
      const w00 = 1 - fx - w10;
      const p00 = y0 + x0;
      const p01 = y0 + x1;
      const p10 = y1 + x0;
      const p11 = y1 + x1;
      into[target] =
        (w00 * at8(data, p00) + w01 * at8(data, p01) + w10 * at8(data, p10) + w11 * at8(data, p11) - red) *
        scale;
      into[target + plane] =
        (w00 * at8(data, p00 + 1) +
          w01 * at8(data, p01 + 1) +
          w10 * at8(data, p10 + 1) +
          w11 * at8(data, p11 + 1) -
          green) *
        scale;
      into[target + 2 * plane] =
        (w00 * at8(data, p00 + 2) +
          w01 * at8(data, p01 + 2) +
          w10 * at8(data, p10 + 2) +
          w11 * at8(data, p11 + 2) -
          blue) *
        scale;
    }
  }
}

/** The level whose pixels are about as large as the crop's, and the similarity to it. */
function onLevel(pyramid: Pyramid, { a, b, c, d }: Similarity): Similarity & { level: Pixels } {
  const wanted = Math.max(0, Math.round(Math.log2(Math.hypot(a, b))));
  const index = Math.min(pyramid.length - 1, wanted);
  const shrink = 2 ** -index;
  // The centre of a pixel is half a pixel from its corner, on each level.
  const centre = (value: number) => (value + 0.5) * shrink - 0.5;
  return { level: pyramid[index] ?? pyramid[0], a: a * shrink, b: b * shrink, c: centre(c), d: centre(d) };
}

/** The index is inside by construction. */
function at8(data: Uint8Array, index: number): number {
  return data[index] as number;
}

/** Goes through `inner` and then through `outer`. */
export function composed(outer: Similarity, inner: Similarity): Similarity {
  return {
    a: outer.a * inner.a - outer.b * inner.b,
    b: outer.a * inner.b + outer.b * inner.a,
    c: outer.a * inner.c - outer.b * inner.d + outer.c,
    d: outer.b * inner.c + outer.a * inner.d + outer.d,
  };
}

/** How a crop lies on a box without being turned: `step` is the size of its pixels. */
export function levelCrop(x1: number, y1: number, step: number): Similarity {
  return { a: step, b: 0, c: x1 + step / 2 - 0.5, d: y1 + step / 2 - 0.5 };
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
