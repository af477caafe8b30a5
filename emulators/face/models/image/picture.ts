import { decode, type Pixels } from './decode.ts';
import { PixelMemory } from './pixelMemory.ts';
import type { Similarity } from './similarity.ts';

type Size = { width: number; height: number };

/** How pixels become the input of a network: (value − offset) · scale; `outside` is the value beyond the edges. */
export type Normalization = {
  offset: number | readonly [red: number, green: number, blue: number];
  scale: number;
  outside?: number;
};

/** An upright picture to cut crops from; all places are in pixels of the picture as it came. */
export type Picture = Size & {
  /** Side of the finest pixels that are held, in those of the picture; more than 1 where that is very large. */
  finest: number;
  /**
   * Crops of one size as a network takes them, [crops, 3, height, width]. Where a crop is coarser than the picture it
   * comes from a smaller copy, so that each of its pixels stands for several. They are there until the next are cut.
   */
  cut(crops: readonly Similarity[], size: Size, normalization: Normalization): Float32Array;
  /** Nothing is cut any more. */
  close(): void;
};

/** The picture, or one of half the width and height of the one before. */
type Level = Size & { address: number };

/** Below this side no crop is taken from a smaller level. */
const smallestLevel = 16;
const pixelBytes = 4;
/** Of all this together the memory is kept for the next picture. */
const keptBytes = 64 * 2 ** 20;

/** Fresh memory costs more than what is written to it, so that one picture takes over that of the one before. */
let spare: PixelMemory | undefined;

/**
 * Decodes a picture for as long as somebody looks at it.
 * @throws ImageRefused
 */
export async function withPicture<Result>(
  bytes: Uint8Array,
  look: (picture: Picture) => Promise<Result>,
): Promise<Result> {
  const picture = openPicture(await decode(bytes));
  try {
    return await look(picture);
  } finally {
    picture.close();
  }
}

export function openPicture({ data, width, height, shrunk = 1 }: Pixels): Picture {
  const memory = spare ?? new PixelMemory();
  spare = undefined;
  const held = { width: Math.ceil(width / shrunk), height: Math.ceil(height / shrunk) };
  const { levels, end } = levelsOf(held);
  memory.reach(end + data.length);
  memory.bytes(end, data.length).set(data);
  memory.loops.spread(end, held.width * held.height, 0);
  for (const [index, { address }] of levels.slice(1).entries()) {
    const larger = levels[index] ?? levels[0];
    memory.loops.halve(larger.address, larger.width, larger.height, address);
  }

  function cut(crops: readonly Similarity[], size: Size, normalization: Normalization): Float32Array {
    const numbers = 3 * size.width * size.height;
    const { scale, shifts, beyond } = appliedBy(normalization);
    memory.reach(end + crops.length * numbers * Float32Array.BYTES_PER_ELEMENT);
    for (const [index, crop] of crops.entries()) {
      const { level, a, b, c, d } = onLevel(levels, shrunk, crop);
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
      if (memory.byteLength <= keptBytes) spare = memory;
    },
  };
}

/** Where the levels of a picture lie, and where they end. */
function levelsOf(size: Size): { levels: readonly [Level, ...Level[]]; end: number } {
  const first = { ...size, address: 0 };
  const levels: [Level, ...Level[]] = [first];
  let end = endOf(first);
  for (let { width, height } = size; Math.min(width, height) >= 2 * smallestLevel;) {
    [width, height] = [width >> 1, height >> 1];
    const level = { width, height, address: end };
    levels.push(level);
    end = endOf(level);
  }
  return { levels, end };
}

/** With room for what the loops write beyond. */
function endOf({ address, width, height }: Level): number {
  return address + (Math.ceil((width * height) / 4) + 1) * 4 * pixelBytes;
}

type Triple = readonly [number, number, number];

function appliedBy({ offset, scale, outside }: Normalization): {
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

/** The level whose pixels are about as large as the crop's, and the similarity to it. */
function onLevel(
  levels: readonly [Level, ...Level[]],
  finest: number,
  { a, b, c, d }: Similarity,
): Similarity & { level: Level } {
  const wanted = Math.max(0, Math.round(Math.log2(Math.hypot(a, b) / finest)));
  const index = Math.min(levels.length - 1, wanted);
  const shrink = 2 ** -index / finest;
  // The centre of a pixel is half a pixel from its corner, on each level.
  const centre = (value: number) => (value + 0.5) * shrink - 0.5;
  return { level: levels[index] ?? levels[0], a: a * shrink, b: b * shrink, c: centre(c), d: centre(d) };
}
