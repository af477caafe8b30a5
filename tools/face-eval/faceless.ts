import { readFileSync } from 'node:fs';
import sharp, { type OverlayOptions } from 'sharp';
import { backgrounds, drawBackground, type Size } from './backgrounds.ts';
import type { AnnotatedImage } from './annotatedImages.ts';
import { createRandom } from './occluders.ts';
import { listFacelessImages } from './images.ts';
import type { Portrait } from './cutOut.ts';

/* Images without a face, on which each detection is a false alarm. */

const size: Size = { width: 1_280, height: 720 };
const jpeg = { quality: 90 };

/** `rounds` images of each kind: drawings, pieces of faces, clothes below chins; and the images of packages. */
export function createFacelessImages(portraits: readonly Portrait[], rounds: number): AnnotatedImage[] {
  const each = (name: string, make: (seed: number) => Promise<Buffer>): AnnotatedImage[] =>
    Array.from({ length: rounds }, (_, seed) => ({
      name: `${name} ${seed}`,
      bytes: () => make(seed),
      faces: [],
    }));
  return [
    ...listFacelessImages().map((file) => ({ name: file, bytes: async () => readFileSync(file), faces: [] })),
    ...backgrounds.flatMap((kind) =>
      each(kind, async (seed) =>
        sharp(await drawBackground(kind, size, seed + 1_000))
          .jpeg(jpeg)
          .toBuffer(),
      ),
    ),
    ...each('pieces of faces', (seed) => pieces(portraits, seed)),
    ...each('below chins', (seed) => belowChins(portraits, seed)),
  ];
}

/** Fills an image with tiles from left to right and top to bottom. */
async function mosaic(tile: number, make: (random: () => number) => Promise<Buffer>, seed: number) {
  const random = createRandom(seed + 77);
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

/** Turned squares of faces, each a third as wide as its face. */
async function pieces(portraits: readonly Portrait[], seed: number): Promise<Buffer> {
  const tile = [40, 60, 80][seed % 3] ?? 40;
  return mosaic(
    tile,
    async (random) => {
      const { bytes, face } = pickPortrait(portraits, random);
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
  const deep = portraits.filter(({ face, height }) => height - findNeck(face) >= 30);
  return mosaic(
    tile,
    async (random) => {
      const { bytes, face, width, height } = pickPortrait(deep, random);
      const top = findNeck(face);
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

/** The first row that is certainly below the chin. */
function findNeck({ top, height }: Portrait['face']): number {
  return Math.ceil(top + 1.2 * height);
}

function pickPortrait(portraits: readonly Portrait[], random: () => number): Portrait {
  const portrait = portraits[Math.floor(random() * portraits.length)];
  if (portrait === undefined) throw new Error('there are no portraits to make images of');
  return portrait;
}
