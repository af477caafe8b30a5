import { decode, type Pixels } from './decode.ts';
import { PixelMemory } from './pixelMemory.ts';
import type { Similarity } from './similarity.ts';

type Size = { width: number; height: number };

/** The input of a network is (value − offset) · scale. `outside` is the value beyond the edges, by default `offset`. */
export type Normalization = {
  offset: number | readonly [red: number, green: number, blue: number];
  scale: number;
  outside?: number;
};

/** An upright image in several sizes, to cut crops from. Coordinates are in pixels of the original image. */
export type ImagePyramid = Size & {
  /** Side of the finest pixels in memory, in pixels of the original; above 1 for a very large image. */
  finest: number;
  /**
   * Cuts crops of one size as the input of a network, [crops, 3, height, width]. A coarse crop is cut from a smaller
   * copy of the image, so that its pixels are means. The result is valid until the next call.
   */
  cut(crops: readonly Similarity[], size: Size, normalization: Normalization): Float32Array;
  /** Releases the memory. */
  close(): void;
};

/** The image, or a copy of half the width and height of the level before. */
type Level = Size & { address: number };

/** No level has a shorter side. */
const smallestLevel = 16;
const pixelBytes = 4;
/** Memory up to this size is kept for the next image. */
const maxKeptBytes = 64 * 2 ** 20;

/** The memory of the image before, since allocation costs more than writing. */
let spare: PixelMemory | undefined;

/** Decodes an image, and releases its memory after `use`. @throws ImageRefused */
export async function withImage<Result>(
  bytes: Uint8Array,
  use: (image: ImagePyramid) => Promise<Result>,
): Promise<Result> {
  const image = openPyramid(await decode(bytes));
  try {
    return await use(image);
  } finally {
    image.close();
  }
}

export function openPyramid({ data, width, height, shrunk = 1 }: Pixels): ImagePyramid {
  const memory = spare ?? new PixelMemory();
  spare = undefined;
  const held = { width: Math.ceil(width / shrunk), height: Math.ceil(height / shrunk) };
  const { levels, end } = layOutLevels(held);
  memory.reach(end + data.length);
  memory.bytes(end, data.length).set(data);
  memory.loops.spread(end, held.width * held.height, 0);
  for (const [index, { address }] of levels.slice(1).entries()) {
    const larger = levels[index] ?? levels[0];
    memory.loops.halve(larger.address, larger.width, larger.height, address);
  }

  function cut(crops: readonly Similarity[], size: Size, normalization: Normalization): Float32Array {
    const numbers = 3 * size.width * size.height;
    const { scale, shifts, beyond } = toFactors(normalization);
    memory.reach(end + crops.length * numbers * Float32Array.BYTES_PER_ELEMENT);
    for (const [index, crop] of crops.entries()) {
      const { level, a, b, c, d } = chooseLevel(levels, shrunk, crop);
      const to = end + index * numbers * Float32Array.BYTES_PER_ELEMENT;
      memory.loops.cut(
        ...[level.address, level.width, level.height],
        ...[a, b, c, d],
        ...[to, size.width, size.height],
        scale,
        ...shifts,
        ...beyond,
      );
    }
    return memory.floats(end, crops.length * numbers);
  }

  return {
    width,
    height,
    finest: shrunk,
    cut,
    close() {
      if (memory.byteLength <= maxKeptBytes) spare = memory;
    },
  };
}

/** The addresses of the levels, and the end of the last one. */
function layOutLevels(size: Size): { levels: readonly [Level, ...Level[]]; end: number } {
  const first = { ...size, address: 0 };
  const levels: [Level, ...Level[]] = [first];
  let end = computeEnd(first);
  for (let { width, height } = size; Math.min(width, height) >= 2 * smallestLevel;) {
    [width, height] = [width >> 1, height >> 1];
    const level = { width, height, address: end };
    levels.push(level);
    end = computeEnd(level);
  }
  return { levels, end };
}

/** Includes a margin, since the loops write beyond the last pixel. */
function computeEnd({ address, width, height }: Level): number {
  return address + (Math.ceil((width * height) / 4) + 1) * 4 * pixelBytes;
}

type Triple = readonly [number, number, number];

function toFactors({ offset, scale, outside }: Normalization): {
  scale: number;
  shifts: Triple;
  beyond: Triple;
} {
  const [red, green, blue] = typeof offset === 'number' ? [offset, offset, offset] : offset;
  const beyond = (own: number) => ((outside ?? own) - own) * scale;
  return {
    scale,
    shifts: [-red * scale, -green * scale, -blue * scale],
    beyond: [beyond(red), beyond(green), beyond(blue)],
  };
}

/** Chooses the level whose pixels have about the size of the crop's, and scales the similarity to it. */
function chooseLevel(
  levels: readonly [Level, ...Level[]],
  finest: number,
  { a, b, c, d }: Similarity,
): Similarity & { level: Level } {
  const wanted = Math.max(0, Math.round(Math.log2(Math.hypot(a, b) / finest)));
  const index = Math.min(levels.length - 1, wanted);
  const shrink = 2 ** -index / finest;
  // On each level the centre of a pixel is half a pixel from its corner.
  const centre = (value: number) => (value + 0.5) * shrink - 0.5;
  return { level: levels[index] ?? levels[0], a: a * shrink, b: b * shrink, c: centre(c), d: centre(d) };
}
