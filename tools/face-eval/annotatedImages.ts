import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import type { Rectangle } from '../../emulators/face/contract/vision.ts';
import { drawOccluder } from './occluders.ts';
import { listGroupImages } from './images.ts';
import type { Portrait } from './cutOut.ts';

/** A true face, with the kind by which the report counts it. */
export type TrueFace = Rectangle & { kind: string };

/** An image and all faces on it. */
export type AnnotatedImage = { name: string; bytes: () => Promise<Uint8Array>; faces: TrueFace[] };

// Drawn by hand on the group images. One face is in profile, one looks down at the floor.
const inGroups: Record<string, (readonly [number, number, number, number, string?])[]> = {
  'sample1.jpg': [
    [827, 421, 209, 237],
    [1479, 207, 207, 224],
    [419, 368, 177, 230],
  ],
  'sample2.jpg': [
    [317, 123, 221, 319, 'profile'],
    [895, 285, 205, 200, 'looking down'],
    [1430, 162, 209, 234],
  ],
  'sample3.jpg': [
    [1057, 202, 222, 304],
    [583, 313, 210, 291],
    [1495, 286, 198, 290],
  ],
  'sample4.jpg': [
    [262, 205, 173, 240],
    [981, 189, 177, 222],
    [654, 76, 177, 216],
    [1271, 160, 157, 218],
  ],
  'sample5.jpg': [
    [360, 876, 202, 286],
    [1405, 394, 196, 272],
    [594, 412, 179, 250],
    [1112, 207, 171, 220],
    [778, 109, 168, 222],
  ],
  'sample6.jpg': [
    [1473, 253, 218, 302],
    [252, 488, 212, 282],
    [659, 330, 195, 297],
    [1170, 311, 201, 275],
  ],
};

export function annotatedGroups(): AnnotatedImage[] {
  return listGroupImages().map((file) => {
    const name = file.slice(dirname(file).length + 1);
    const faces = (inGroups[name] ?? []).map(([left, top, width, height, kind = 'in a group']) => ({
      ...{ left, top, width, height, kind },
    }));
    return { name, bytes: () => readFile(file), faces };
  });
}

/** Group images at two ninths of their size: the faces are about 40 pixels wide. */
export function smallGroups(): AnnotatedImage[] {
  return annotatedGroups().map(({ name, bytes, faces }) => ({
    name: `small ${name}`,
    bytes: async () => {
      const source = sharp(await bytes());
      const { width } = await source.metadata();
      return source
        .resize(Math.round(width / 4.5))
        .jpeg({ quality: 92 })
        .toBuffer();
    },
    faces: faces.map((face) => ({
      ...scaled(face, 1 / 4.5),
      kind: face.kind === 'in a group' ? '36 to 60 pixels' : `${face.kind}, small`,
    })),
  }));
}

function scaled({ left, top, width, height }: Rectangle, by: number): Rectangle {
  return { left: left * by, top: top * by, width: width * by, height: height * by };
}

/** A portrait as it is, turned by several angles, and with a drawn mask. The exact place of the face is not checked. */
export function changedPortraits({ name, bytes, points }: Portrait, seed: number): AnnotatedImage[] {
  const anywhere = { left: 0, top: 0, width: Number.POSITIVE_INFINITY, height: Number.POSITIVE_INFINITY };
  const turned = (angle: number) => ({
    name: `${name} turned by ${angle}°`,
    bytes: () => sharp(bytes).rotate(angle, { background: '#777' }).jpeg({ quality: 92 }).toBuffer(),
    faces: [{ ...anywhere, kind: `turned by ${angle}°` }],
  });
  return [
    { name, bytes: async () => bytes, faces: [{ ...anywhere, kind: 'portrait' }] },
    ...[45, 90, 180, 270].map(turned),
    {
      name: `${name} masked`,
      bytes: () => drawOccluder(bytes, points, 'mask', seed),
      faces: [{ ...anywhere, kind: 'mask drawn over it' }],
    },
  ];
}

/** Reads `image,left,top,width,height,kind` per face; an image without numbers has no face. @throws Error */
export async function readBoxes(folder: string, file: string): Promise<AnnotatedImage[]> {
  const lines = (await readFile(file, 'utf8')).trim().split(/\r?\n/);
  if (lines[0] !== 'image,left,top,width,height,kind')
    throw new Error(`${file} should begin with the line image,left,top,width,height,kind`);
  const rows = lines.slice(1).map((line) => {
    const [image = '', left, top, width, height, kind = ''] = line.split(',');
    const face = { left: Number(left), top: Number(top), width: Number(width), height: Number(height), kind };
    return { image, faces: left === undefined || left === '' ? [] : [face] };
  });
  return [...Map.groupBy(rows, ({ image }) => image)].map(([image, own]) => ({
    name: image,
    bytes: () => readFile(join(folder, image)),
    faces: own.flatMap(({ faces }) => faces),
  }));
}
