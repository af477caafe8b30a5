import sharp from 'sharp';
import { backgrounds, drawBackground, type Size } from './backgrounds.ts';
import type { AnnotatedImage, TrueFace } from './annotatedImages.ts';
import { cutOutHead, type Portrait } from './cutOut.ts';
import { createRandom } from './occluders.ts';

/*
 * Scenes whose faces are known by construction: heads from portraits on drawn backgrounds, at random places, sizes and
 * angles.
 */

/** Faces of one kind in a scene. */
type Group = {
  kind: string;
  count: number;
  /** Width of the face in pixels. */
  width: readonly [least: number, most: number];
  /** Degrees, clockwise, ± 8. */
  turned?: number;
  masked?: boolean;
};

type Harm = (scene: Buffer) => Promise<Buffer>;
type Plan = { name: string; size: Size; groups: readonly Group[]; harm?: Harm };

const hd = { width: 1_280, height: 720 };
const fullHd = { width: 1_920, height: 1_080 };

const crowd: readonly Group[] = [
  { kind: '120 to 240 pixels', count: 2, width: [120, 240] },
  { kind: '60 to 120 pixels', count: 5, width: [60, 120] },
  { kind: '36 to 60 pixels', count: 8, width: [36, 60] },
  { kind: '24 to 36 pixels', count: 5, width: [24, 36] },
];
const usual = (kind: string): Group[] => [{ kind, count: 8, width: [60, 120] }];

const turnedBy = [30, 60, 90, 180, 270];

const plans: readonly Plan[] = [
  { name: 'alone', size: hd, groups: [{ kind: 'alone', count: 1, width: [60, 240] }] },
  { name: 'crowd', size: hd, groups: crowd },
  { name: 'large crowd', size: fullHd, groups: crowd.map((group) => ({ ...group, count: group.count * 2 })) },
  { name: 'sixty', size: fullHd, groups: [{ kind: 'sixty in one image', count: 60, width: [36, 60] }] },
  {
    name: 'turned',
    size: hd,
    groups: turnedBy.map((turned) => ({ kind: `turned by ${turned}°`, count: 3, width: [60, 120], turned })),
  },
  {
    name: 'turned, small',
    size: hd,
    groups: turnedBy.map((turned) => ({ kind: 'turned, 36 to 60', count: 3, width: [36, 60], turned })),
  },
  {
    name: 'masked',
    size: hd,
    groups: [
      { kind: 'masked, 60 to 120', count: 6, width: [60, 120], masked: true },
      { kind: 'masked, 36 to 60', count: 6, width: [36, 60], masked: true },
    ],
  },
  { name: 'dark', size: hd, groups: usual('dark'), harm: dark },
  { name: 'blurred', size: hd, groups: usual('blurred'), harm: blurred },
  { name: 'noisy', size: hd, groups: usual('noisy'), harm: noisy },
  { name: 'blocky', size: hd, groups: usual('blocky'), harm: blocky },
];

/** `rounds` scenes of each plan. */
export function createScenes(portraits: readonly Portrait[], rounds: number): AnnotatedImage[] {
  return Array.from({ length: rounds }, (_, round) =>
    plans.map((plan, index) => createScene(plan, portraits, round * plans.length + index)),
  ).flat();
}

function createScene({ name, size, groups, harm }: Plan, portraits: readonly Portrait[], seed: number) {
  const random = createRandom(seed * 7_919 + 1);
  const places = placeFaces(groups, size, random);
  const heads = places.map((place) => ({
    ...place,
    portrait: portraits[Math.floor(random() * portraits.length)],
    mirrored: random() < 0.5,
    seed: Math.floor(random() * 1e9),
  }));
  const background = backgrounds[seed % backgrounds.length] ?? 'clouds';
  const faces: TrueFace[] = heads.flatMap(({ portrait, x, y, width, angle, group: { kind } }) => {
    if (portrait === undefined) return [];
    const [wide, high] = turnedSize(width, (width * portrait.face.height) / portrait.face.width, angle);
    return [{ kind, left: x - wide / 2, top: y - high / 2, width: wide, height: high }];
  });
  const bytes = async () => {
    const layers = await Promise.all(
      heads.flatMap(({ portrait, x, y, width, angle, mirrored, seed: own, group }) =>
        portrait === undefined
          ? []
          : [
              cutOutHead(
                portrait,
                { width, angle, mirrored, masked: group.masked === true, seed: own },
                { x, y },
              ),
            ],
      ),
    );
    const scene = await sharp(await drawBackground(background, size, seed))
      .composite(layers)
      .png({ compressionLevel: 1 })
      .toBuffer();
    return harm === undefined ? sharp(scene).jpeg({ quality: 90 }).toBuffer() : harm(scene);
  };
  return { name: `${name} ${seed}`, bytes, faces };
}

type Place = { x: number; y: number; width: number; angle: number; group: Group };

/** Places faces without overlaps, the largest first. A face without a free place is left out. */
function placeFaces(groups: readonly Group[], size: Size, random: () => number): Place[] {
  const places: Place[] = [];
  const wanted = groups.flatMap((group) =>
    Array.from({ length: group.count }, () => {
      const [least, most] = group.width;
      const angle = (group.turned ?? 0) + 16 * (random() - 0.5);
      return { group, width: least + (most - least) * random(), angle };
    }),
  );
  for (const { group, width, angle } of wanted.toSorted((a, b) => b.width - a.width)) {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const x = width + random() * (size.width - 2 * width);
      const y = width + random() * (size.height - 2 * width);
      const free = places.every(
        (other) => Math.hypot(other.x - x, other.y - y) > 1.05 * (other.width + width),
      );
      if (!free) continue;
      places.push({ x, y, width, angle, group });
      break;
    }
  }
  return places;
}

/** The extent of a turned ellipse of this width and height. */
function turnedSize(width: number, height: number, degrees: number): [width: number, height: number] {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return [Math.hypot(width * cos, height * sin), Math.hypot(width * sin, height * cos)];
}

const jpeg = { quality: 90 };

async function dark(scene: Buffer): Promise<Buffer> {
  return sharp(scene).linear(0.16).jpeg(jpeg).toBuffer();
}

async function blurred(scene: Buffer): Promise<Buffer> {
  return sharp(scene).blur(3).jpeg(jpeg).toBuffer();
}

async function blocky(scene: Buffer): Promise<Buffer> {
  return sharp(scene).jpeg({ quality: 8 }).toBuffer();
}

async function noisy(scene: Buffer): Promise<Buffer> {
  const { data, info } = await sharp(scene).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const random = createRandom(data.length);
  // The sum of three random numbers is close to a normal distribution, here with a deviation of 35 of 256.
  for (let index = 0; index < data.length; index += 1) {
    const value = (data[index] ?? 0) + 70 * (random() + random() + random() - 1.5);
    data[index] = Math.min(255, Math.max(0, value));
  }
  return sharp(data, { raw: info }).jpeg(jpeg).toBuffer();
}
