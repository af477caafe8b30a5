import sharp from 'sharp';
import type { Point } from '../../emulators/face/contract/vision.ts';

/** Shapes to draw over a face: a mask of cloth, or a patch over a part. */
export const occluders = ['mask', 'eyes', 'mouth', 'forehead'] as const;
export type Occluder = (typeof occluders)[number];

const colours = ['#f4f4f4', '#9cc4d8', '#20242a', '#5b6470', '#c9a68c', '#7a5a48', '#2d4a6b', '#b33f3f'];

/** Draws over the face with these five points. The same seed gives the same drawing. */
export async function drawOccluder(
  image: Uint8Array,
  points: readonly Point[],
  kind: Occluder,
  seed: number,
): Promise<Buffer> {
  const { width, height } = await sharp(image).metadata();
  const random = createRandom(seed);
  const outline = outlines[kind](random);
  const place = placeOn(points);
  const path = outline.map(([x, y]) => place(x + (random() - 0.5) * 0.06, y + (random() - 0.5) * 0.06));
  const colour = colours[Math.floor(random() * (kind === 'mask' ? 4 : colours.length))] ?? '#888';
  const d = path
    .map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join(' ');
  const shade = `<linearGradient id="s" x2="0.2" y2="1"><stop offset="0" stop-color="#fff" stop-opacity="${0.3 * random()}"/><stop offset="1" stop-color="#000" stop-opacity="${0.1 + 0.3 * random()}"/></linearGradient>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs>${shade}</defs><path d="${d} Z" fill="${colour}"/><path d="${d} Z" fill="url(#s)"/></svg>`;
  return sharp(image)
    .composite([{ input: Buffer.from(svg) }])
    .jpeg({ quality: 92 })
    .toBuffer();
}

type Outline = (random: () => number) => [x: number, y: number][];

/** In distances between the eyes: x from the middle of the face to the right, y from the eyes down. */
const outlines: Record<Occluder, Outline> = {
  mask: (random) => {
    const top = 0.35 + 0.3 * random();
    return [
      [-0.95, top],
      [-0.4, top - 0.1],
      [0, top - 0.2],
      [0.4, top - 0.1],
      [0.95, top],
      [0.85, 1.35],
      [0.45, 1.85],
      [0, 1.95],
      [-0.45, 1.85],
      [-0.85, 1.35],
    ];
  },
  eyes: (random) => band(-0.35 - 0.2 * random(), 0.3 + 0.2 * random(), 0.95),
  mouth: (random) => band(0.75 + 0.1 * random(), 1.5 + 0.3 * random(), 0.6 + 0.3 * random()),
  forehead: (random) => band(-1.5, -0.4 - 0.2 * random(), 1.1),
};

function band(top: number, bottom: number, half: number): [number, number][] {
  return [
    [-half, top],
    [half, top],
    [half, bottom],
    [-half, bottom],
  ];
}

/** Maps coordinates of outlines to pixels. */
function placeOn(points: readonly Point[]): (x: number, y: number) => Point {
  const origin = { x: 0, y: 0 };
  const [left = origin, right = origin, , mouthLeft = origin, mouthRight = origin] = points;
  const eyes = { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 };
  const mouth = { x: (mouthLeft.x + mouthRight.x) / 2, y: (mouthLeft.y + mouthRight.y) / 2 };
  // On a frontal face the mouth is 1.15 eye distances below the eyes. On a turned face the eyes are closer together.
  const down = { x: (mouth.x - eyes.x) / 1.15, y: (mouth.y - eyes.y) / 1.15 };
  const unit = Math.max(Math.hypot(down.x, down.y), Math.hypot(right.x - left.x, right.y - left.y) * 0.8);
  const angle = Math.atan2(right.y - left.y, right.x - left.x);
  return (x, y) => ({
    x: eyes.x + x * unit * Math.cos(angle) + y * down.x,
    y: eyes.y + x * unit * Math.sin(angle) + y * down.y,
  });
}

/** Mulberry32, which gives the same numbers on every platform. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
