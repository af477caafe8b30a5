import { readFileSync } from 'node:fs';
import sharp, { type OverlayOptions } from 'sharp';
import { backgrounds, drawn, type Size } from './backgrounds.ts';
import type { AnnotatedPicture } from './crowd.ts';
import { randomFrom } from './occluders.ts';
import { facelessPictures } from './pictures.ts';
import type { Portrait } from './cutOut.ts';

/* Pictures on which there is no face: whatever is found on them is a false alarm. */

const size: Size = { width: 1_280, height: 720 };
const jpeg = { quality: 90 };

/** Of each kind so many: drawn ones, pieces of faces, and what people wear below their chins. */
export function faceless(portraits: readonly Portrait[], rounds: number): AnnotatedPicture[] {
  const each = (name: string, make: (seed: number) => Promise<Buffer>): AnnotatedPicture[] =>
    Array.from({ length: rounds }, (_, seed) => ({
      name: `${name} ${seed}`,
      bytes: () => make(seed),
      faces: [],
    }));
  return [
    ...facelessPictures().map((file) => ({ name: file, bytes: async () => readFileSync(file), faces: [] })),
    ...backgrounds.flatMap((kind) =>
      each(kind, async (seed) =>
        sharp(await drawn(kind, size, seed + 1_000))
          .jpeg(jpeg)
          .toBuffer(),
      ),
    ),
    ...each('pieces of faces', (seed) => pieces(portraits, seed)),
    ...each('below chins', (seed) => belowChins(portraits, seed)),
  ];
}

/** The canvas is filled with tiles from left to right and top to bottom. */
async function mosaic(tile: number, make: (random: () => number) => Promise<Buffer>, seed: number) {
  const random = randomFrom(seed + 77);
  const tiles: OverlayOptions[] = [];
  for (let top = 0; top + tile <= size.height; top += tile) {
    for (let left = 0; left + tile <= size.width; left += tile)
      tiles.push({ input: await make(random), left, top });
  }
  return sharp({ create: { ...size, channels: 3, background: '#555' } })
    .composite(tiles)
    .jpeg(jpeg)
    .toBuffer();
}

/** Squares a third as wide as the face that they come from, turned and shuffled. */
async function pieces(portraits: readonly Portrait[], seed: number): Promise<Buffer> {
  const tile = [40, 60, 80][seed % 3] ?? 40;
  return mosaic(
    tile,
    async (random) => {
      const { bytes, face } = anyOf(portraits, random);
      const side = Math.max(8, Math.floor(face.width / 3));
      const left = Math.round(face.left + random() * (face.width - side));
      const top = Math.round(face.top + random() * (face.height - side));
      const piece = await sharp(bytes)
        .removeAlpha()
        .extract({ left, top, width: side, height: side })
        .toBuffer();
      return sharp(piece)
        .rotate(90 * Math.floor(4 * random()))
        .resize(tile, tile)
        .toBuffer();
    },
    seed,
  );
}

async function belowChins(portraits: readonly Portrait[], seed: number): Promise<Buffer> {
  const tile = [80, 120, 180][seed % 3] ?? 80;
  const deep = portraits.filter(({ face, height }) => height - startOf(face) >= 30);
  return mosaic(
    tile,
    async (random) => {
      const { bytes, face, width, height } = anyOf(deep, random);
      const top = startOf(face);
      const side = Math.min(height - top, width);
      const left = Math.floor(random() * (width - side));
      return sharp(bytes)
        .removeAlpha()
        .extract({ left, top, width: side, height: side })
        .resize(tile, tile)
        .toBuffer();
    },
    seed,
  );
}

/** Where the chin is surely left behind. */
function startOf({ top, height }: Portrait['face']): number {
  return Math.ceil(top + 1.2 * height);
}

function anyOf(portraits: readonly Portrait[], random: () => number): Portrait {
  const portrait = portraits[Math.floor(random() * portraits.length)];
  if (portrait === undefined) throw new Error('there are no portraits to make pictures of');
  return portrait;
}
