import type { Answer } from '../apiClient.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../exit.ts';
import type { Output } from '../terminal/output.ts';
import type { Column } from '../terminal/table.ts';
import { everyItem, everyPage } from './pages.ts';
import { resultColumns, toFaceRows } from './results.ts';

type Image = Answer<'GET images'>['items'][number];
type Person = Answer<'GET groups/{group}/persons'>['items'][number];

const imageColumns: readonly Column<Image>[] = [
  { title: 'picture', text: ({ image }) => image, isPath: true },
  { title: 'state', text: ({ state }) => state, whole: true },
  { title: 'reason', text: ({ reason }) => reason },
  {
    title: 'KB',
    text: ({ bytes }) => Math.ceil(bytes / 1_000).toLocaleString('en'),
    align: 'right',
    whole: true,
  },
];

const personColumns: readonly Column<Person>[] = [
  { title: 'person', text: ({ person }) => person },
  { title: 'enrolled', text: ({ images }) => images.enrolled, align: 'right', whole: true },
  { title: 'waiting', text: ({ images }) => images.received + images.detected, align: 'right', whole: true },
  { title: 'refused', text: ({ images }) => images.rejected, align: 'right', whole: true },
  { title: 'failed', text: ({ images }) => images.failed, align: 'right', whole: true },
];

/** Lists page by page, so that a long list begins at once. */
async function printPages<Item>(
  output: Output,
  pages: AsyncIterable<Item[]>,
  columns: readonly Column<Item>[],
): Promise<number> {
  let count = 0;
  for await (const items of pages) {
    output.table(items, columns, { title: count === 0 });
    for (const item of items) output.item(item);
    count += items.length;
  }
  return count;
}

export async function listImages(
  { output, connect }: Context,
  { group, state, person }: { group?: string; state?: Image['state']; person?: string },
): Promise<void> {
  if (person !== undefined && group === undefined)
    throw new UsageError('--person needs --group: a person is of a group');
  const { call } = await connect();
  const pages = everyPage((after) =>
    group === undefined
      ? call('GET images', { query: { top: 1_000, after, state } })
      : call('GET groups/{group}/images', { group, query: { top: 1_000, after, state, person } }),
  );
  if ((await printPages(output, pages, imageColumns)) === 0) output.note('There are no such pictures.');
}

export async function listPeople(
  { output, connect, program }: Context,
  { group }: { group: string },
): Promise<void> {
  const { call } = await connect();
  const pages = everyPage((after) =>
    call('GET groups/{group}/persons', { group, query: { top: 1_000, after } }),
  );
  if ((await printPages(output, pages, personColumns)) === 0)
    output.note(`The group has no people yet: ${program} import FOLDER --group ${group}`);
}

const resultsShown = 10;

export async function showPerson(
  { output, connect }: Context,
  person: string,
  { group }: { group: string },
): Promise<void> {
  const { call } = await connect();
  const [about, images, results] = await Promise.all([
    call('GET groups/{group}/persons/{person}', { group, person }),
    everyItem((after) => call('GET groups/{group}/images', { group, query: { top: 1_000, after, person } })),
    call('GET groups/{group}/results', { group, query: { top: resultsShown, person } }),
  ]);
  output.item({ ...about, pictures: images, results: results.items });
  output.print(`${about.person}, since ${about.createdAt.slice(0, 10)}`, 'bold');
  output.print('');
  output.table(images, imageColumns);
  if (results.items.length === 0) return;
  output.print('');
  output.print('Found lately:');
  output.table(results.items.flatMap(toFaceRows), resultColumns);
}
