import type { Stored } from './entity.ts';
import { groupGenerationOf, isEarlier, type Generation } from './generation.ts';
import type { ImageRecord, ImageState } from './image.ts';
import { rangeOfPerson, type ImageRow } from './imageRows.ts';
import { toPartition, toPartitions, personKeyOf } from './keys.ts';
import { isAlive, isListed, type Living, type Person } from './people.ts';
import { filtered, following, prefixed, take, takePage, type Page, type PageQuery } from './ranges.ts';
import type { Table } from './table.ts';

export type ImageQuery = PageQuery & {
  state?: ImageState | undefined;
  /** Key. */
  person?: string | undefined;
  /** The present generation of the group: images of earlier generations of it and of its people are left out. */
  generation?: number | undefined;
};

/** How many erasures of people a reader takes into account for each partition. */
const erasedAtMost = 1_000;

/** Pages of the images and the people of a group, one partition after the other. */
export function createListing(table: Table) {
  return {
    async listImages(group: string, query: ImageQuery): Promise<Page<ImageRecord>> {
      const { person, generation } = query;
      const partitions = person === undefined ? toPartitions(group) : [toPartition(group, person)];
      const isErased =
        generation === undefined
          ? () => false
          : await loadErasedTest(table, { group, generation }, partitions);
      const { items, ...rest } =
        person === undefined
          ? await listOfGroup(table, group, query)
          : await listOfPerson(table, group, person, query);
      return { items: items.filter((image) => !isErased(image)), ...rest };
    },

    async listPersons(group: Living, { top, after }: PageQuery): Promise<Page<Person>> {
      const people = filtered(
        acrossPartitions<Person>(table, group.group, 'p.', after),
        ({ row: { value } }) => isAlive(value, group) && isListed(value),
      );
      const { items, ...rest } = await takePage(people, top, ({ token }) => token);
      return { items: items.map(({ row }) => row.value), ...rest };
    },
  };
}

/** Loads a test for images of earlier generations: they are not erased yet, and answers leave them out. */
async function loadErasedTest(
  table: Table,
  group: Living,
  partitions: readonly string[],
): Promise<(image: ImageRecord) => boolean> {
  const rows = await Promise.all(
    partitions.map((partition) => {
      const { from, before } = prefixed(partition, 'd.');
      return take(table.range<{ generation: Generation }>(partition, from, before), erasedAtMost);
    }),
  );
  const generations = new Map(rows.flat().map(({ rowKey, value }) => [rowKey.slice(2), value.generation]));
  return (image) => {
    if (groupGenerationOf(image.generation) < group.generation) return true;
    const generation =
      generations.size === 0 ? undefined : generations.get(personKeyOf(group.group, image.person ?? ''));
    return generation !== undefined && isEarlier(image.generation, generation);
  };
}

async function listOfPerson(
  table: Table,
  group: string,
  person: string,
  { state, top, after }: ImageQuery,
): Promise<Page<ImageRecord>> {
  const range = rangeOfPerson(group, person);
  const { items, next } = await table.list<ImageRow>(
    range,
    { top, after: after === undefined ? undefined : `${range.from}${after}` },
    ({ value }) => state === undefined || value.state === state,
  );
  return {
    items: items.map(({ value }) => value),
    ...(next !== undefined && { next: next.slice(range.from.length) }),
  };
}

/** A row of the index by state may be of an image that is in another state by now. */
async function listOfGroup(
  table: Table,
  group: string,
  { state, top, after }: ImageQuery,
): Promise<Page<ImageRecord>> {
  const prefix = state === undefined ? 'i.' : `s.${state}.`;
  const rows = acrossPartitions<ImageRow | { row: string }>(table, group, prefix, after);
  const { items, ...rest } = await takePage(rows, top, ({ token }) => token);
  const images = await Promise.all(
    items.map(async ({ partition, row: { value } }) =>
      'row' in value ? (await table.get<ImageRow>(partition, value.row))?.value : value,
    ),
  );
  return { items: images.filter((image) => image !== undefined), ...rest };
}

type Placed<Value> = { partition: string; row: Stored<Value>; token: string };

/** Reads one partition after the other; the token of a row is the number of its partition and its key. */
async function* acrossPartitions<Value>(
  table: Table,
  group: string,
  prefix: string,
  after = '',
): AsyncGenerator<Placed<Value>> {
  const first = Number.parseInt(after.slice(0, 1) || '0', 10);
  const afterRow = after.slice(1);
  for (const [index, partition] of toPartitions(group).entries()) {
    if (index < first) continue;
    const { from, before } = prefixed(partition, prefix);
    const start = index === first && afterRow > from ? following(afterRow) : from;
    for await (const row of table.range<Value>(partition, start, before))
      yield { partition, row, token: `${index}${row.rowKey}` };
  }
}
