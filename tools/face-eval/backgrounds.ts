import sharp from 'sharp';
import { createRandom } from './occluders.ts';

/* Draws images without faces. Detectors often take round, striped or skin-coloured shapes for faces. */

export type Size = { width: number; height: number };
type Random = () => number;
type Draw = (size: Size, random: Random) => Promise<Buffer>;

/** Draws a PNG. The same seed gives the same image. */
export async function drawBackground(kind: Background, size: Size, seed: number): Promise<Buffer> {
  return painters[kind](size, createRandom(seed));
}

const painters = {
  clouds: (size, random) => clouds(size, [4, 9, 20], random),
  grain: (size, random) => clouds(size, [size.width >> 2, size.width >> 1], random),
  fractal: async (size, random) => fractal(size, random),
  discs: (size, random) => shapes(size, random, 220, disc),
  'things like faces': (size, random) => shapes(size, random, 60, buttonsAndSockets),
  boxes: (size, random) => shapes(size, random, 160, box),
  lines: (size, random) => shapes(size, random, 260, line),
  leaves: (size, random) => shapes(size, random, 500, leaf),
  bricks: (size, random) => svgOver(size, random, bricks(size, random)),
  text: (size, random) => svgOver(size, random, text(size, random)),
} as const satisfies Record<string, Draw>;

export type Background = keyof typeof painters;
export const backgrounds = Object.keys(painters) as Background[];

/** Noise at several scales, each enlarged to the whole image. */
async function clouds({ width, height }: Size, cells: readonly number[], random: Random): Promise<Buffer> {
  const total = new Float32Array(width * height * 3);
  for (const across of cells) {
    const small = { width: across, height: Math.max(2, Math.round((across * height) / width)) };
    const noise = Uint8Array.from({ length: small.width * small.height * 3 }, () => random() * 256);
    const layer = await sharp(noise, { raw: { ...small, channels: 3 } })
      .resize(width, height, { fit: 'fill', kernel: 'cubic' })
      .raw()
      .toBuffer();
    for (let index = 0; index < total.length; index += 1)
      total[index] = (total[index] ?? 0) + (layer[index] ?? 0) / cells.length;
  }
  return sharp(Uint8Array.from(total), { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

/** A part of a Julia set. */
async function fractal({ width, height }: Size, random: Random): Promise<Buffer> {
  const [real, imaginary, zoom] = [-0.8 + 0.3 * random(), 0.1 + 0.3 * random(), 1 + 2 * random()];
  const hue = [random(), random(), random()];
  const pixels = new Uint8Array(width * height * 3);
  for (let index = 0; index < width * height; index += 1) {
    let x = (((index % width) - width / 2) / width) * (3 / zoom);
    let y = ((Math.floor(index / width) - height / 2) / width) * (3 / zoom);
    let steps = 0;
    for (; steps < 60 && x * x + y * y < 4; steps += 1) {
      [x, y] = [x * x - y * y + real, 2 * x * y + imaginary];
    }
    for (const [channel, shift] of hue.entries())
      pixels[index * 3 + channel] = 128 + 127 * Math.sin(steps / 6 + shift * 6);
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

type Shape = (x: number, y: number, size: number, random: Random) => string;

/** Draws shapes over clouds, from large to small. */
async function shapes(size: Size, random: Random, count: number, shape: Shape): Promise<Buffer> {
  const drawnShapes = Array.from({ length: count }, (_, index) => {
    const across = 10 + (size.width / 6) * (1 - index / count) ** 3 * (0.5 + random());
    return shape(random() * size.width, random() * size.height, across, random);
  });
  return svgOver(size, random, drawnShapes.join(''));
}

async function svgOver(size: Size, random: Random, body: string): Promise<Buffer> {
  const { width, height } = size;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`;
  return sharp(await clouds(size, [3, 7], random))
    .composite([{ input: Buffer.from(svg) }])
    .png({ compressionLevel: 1 })
    .toBuffer();
}

/** A random colour, often one of skin. */
function colour(random: Random): string {
  if (random() < 0.4) return `hsl(${10 + 25 * random()} ${25 + 45 * random()}% ${25 + 55 * random()}%)`;
  return `hsl(${360 * random()} ${70 * random()}% ${10 + 80 * random()}%)`;
}

function disc(x: number, y: number, size: number, random: Random): string {
  const narrow = 0.5 + 0.5 * random();
  return `<ellipse cx="${x}" cy="${y}" rx="${size * narrow}" ry="${size}" fill="${colour(random)}" transform="rotate(${random() * 360} ${x} ${y})"/>`;
}

/** Discs with two to four holes at random places, like buttons, sockets and headlights. */
function buttonsAndSockets(x: number, y: number, size: number, random: Random): string {
  const holes = Array.from({ length: 2 + Math.floor(3 * random()) }, () => {
    const [angle, away] = [random() * 2 * Math.PI, size * (0.2 + 0.4 * random())];
    const radius = size * (0.08 + 0.15 * random());
    return `<circle cx="${x + away * Math.cos(angle)}" cy="${y + away * Math.sin(angle)}" r="${radius}" fill="${colour(random)}"/>`;
  });
  return `${disc(x, y, size, random)}${holes.join('')}`;
}

function box(x: number, y: number, size: number, random: Random): string {
  const [width, height] = [size * (0.3 + 2 * random()), size * (0.3 + 2 * random())];
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${colour(random)}" transform="rotate(${random() < 0.5 ? 0 : random() * 360} ${x} ${y})"/>`;
}

function line(x: number, y: number, size: number, random: Random): string {
  const points = Array.from(
    { length: 4 },
    () => `${x + (random() - 0.5) * size * 6} ${y + (random() - 0.5) * size * 6}`,
  );
  return `<path d="M${points[0]} C${points.slice(1).join(' ')}" fill="none" stroke="${colour(random)}" stroke-width="${1 + 8 * random()}"/>`;
}

function leaf(x: number, y: number, size: number, random: Random): string {
  const [across, angle] = [size * (0.2 + 0.3 * random()), random() * 360];
  const green = `hsl(${60 + 80 * random()} ${20 + 50 * random()}% ${15 + 45 * random()}%)`;
  return `<path d="M${x} ${y - size} Q${x + across} ${y} ${x} ${y + size} Q${x - across} ${y} ${x} ${y - size}" fill="${green}" transform="rotate(${angle} ${x} ${y})"/>`;
}

function bricks({ width, height }: Size, random: Random): string {
  const [wide, high] = [30 + 60 * random(), 14 + 24 * random()];
  const rows: string[] = [];
  for (let row = 0; row * high < height; row += 1) {
    for (let x = row % 2 === 0 ? 0 : -wide / 2; x < width; x += wide) {
      rows.push(
        `<rect x="${x + 1.5}" y="${row * high + 1.5}" width="${wide - 3}" height="${high - 3}" fill="hsl(${8 + 20 * random()} 40% ${25 + 30 * random()}%)"/>`,
      );
    }
  }
  return rows.join('');
}

function text({ width, height }: Size, random: Random): string {
  const size = 12 + 30 * random();
  const letters = 'abcdefghijklmnopqrstuvwxyz     0OoQ8B@&%:;()ABCDEFG';
  const lines: string[] = [`<rect width="${width}" height="${height}" fill="#fff" fill-opacity="0.85"/>`];
  for (let y = size; y < height; y += size * 1.4) {
    const row = Array.from({ length: Math.ceil(width / size) * 2 }, () =>
      letters.charAt(Math.floor(random() * letters.length)),
    ).join('');
    const safe = row.replaceAll('&', '&amp;');
    lines.push(
      `<text x="8" y="${y}" font-family="serif" font-size="${random() < 0.1 ? size * 1.6 : size}">${safe}</text>`,
    );
  }
  return lines.join('');
}
