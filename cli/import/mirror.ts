import { ApiError } from '../apiClient.ts';
import type { Connection } from '../where/connect.ts';
import type { Output } from '../terminal/output.ts';
import { askYes, canAsk } from '../terminal/ask.ts';
import type { Known } from './compare.ts';
import type { Selection } from './selectFiles.ts';
import { countOf, type Tally } from './tally.ts';

/** More than this part of a group is no tidying up: the folder may be the wrong one, or not mounted. */
const mostOfGroup = 0.2;

export type Surplus = { images: string[]; isMuch: boolean };

export const noSurplus: Surplus = { images: [], isMuch: false };

/** What the folder has, under the names that it has or would have in the group: also what is left out, which stays. */
export function namesOf({ images, skipped }: Selection, group: string): Set<string> {
  return new Set([
    ...images.map(({ image }) => image),
    ...skipped.map(({ file }) => {
      const [person = '', ...rest] = file.split('/');
      return `enroll/${group}/${person.normalize('NFC')}/${rest.join('/')}`;
    }),
  ]);
}

/** The images that Rollcall has and the folder has not. */
export function findSurplus(known: ReadonlyMap<string, Known>, local: ReadonlySet<string>): Surplus {
  const there = [...known].filter(([image, { state }]) => image.startsWith('enroll/') && state !== 'removed');
  const images = there.map(([image]) => image).filter((image) => !local.has(image));
  return { images, isMuch: images.length > there.length * mostOfGroup };
}

/** Whether the surplus is to be deleted. @throws Error that says what to do where nobody can be asked */
export async function confirmDeletion(
  output: Output,
  { images, isMuch }: Surplus,
  yes: boolean,
): Promise<boolean> {
  if (images.length === 0) return false;
  if (yes) return true;
  const what = `${countOf(images.length, 'picture')} that the folder does not have`;
  if (isMuch)
    throw new Error(
      `--mirror would delete ${what}, more than a fifth of the group: --dry-run names them, --yes deletes them`,
    );
  if (!canAsk(output))
    throw new Error(`--mirror would delete ${what}: --dry-run names them, --yes deletes them`);
  return askYes(output, `Delete ${what}?`);
}

export async function deleteImages(
  { call }: Connection,
  images: readonly string[],
  tally: Tally,
  output: Output,
): Promise<void> {
  for (const image of images) {
    const [, group = '', person = '', ...rest] = image.split('/');
    try {
      const place = { group, person, image: rest.join('/') };
      await call('DELETE groups/{group}/persons/{person}/images/{*image}', place);
      tally.deleted += 1;
      output.item({ image, result: 'deleted' });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      tally.failed.push({ file: image, detail: error.message });
    }
  }
}
