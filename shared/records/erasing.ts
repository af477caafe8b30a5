import type { ImageRef } from '../messages/workQueues.ts';
import { RollcallError } from '../errors/errors.ts';
import { changeCounters, countPeople, countChange } from './counters.ts';
import type { Stored, Write } from './entity.ts';
import { keepContent, toContentWrites } from './erasedContents.ts';
import { groupGenerationOf, isEarlier, type Generation } from './generation.ts';
import type { Group } from './groups.ts';
import {
  hasFace,
  rangeOfPerson,
  toImagePartition,
  toRemovals,
  toImageRow,
  type ImageRow,
} from './imageRows.ts';
import { toPartitions } from './keys.ts';
import { isListed, toErasingRow, type Living, type Person } from './people.ts';
import { filtered, prefixed, take, type Range } from './ranges.ts';
import type { Reminders } from './reminders.ts';
import { retryOnConflict, type Table } from './table.ts';

/** `faces`: how many of the erased images had a face in Face; `received`: how many may just have been detected. */
type ErasedRows = { pictures: number; faces: number; received: number };

type IsOld = (generation: Generation) => boolean;

/** A transaction takes 100 writes; an erased image has three rows and leaves one. */
const erasedAtOnce = 24;

/** Erases rows of images and people of earlier generations, with their counts, index rows and reminders. */
export function createErasing(table: Table, reminders: Reminders) {
  const store = { table, reminders };
  return {
    /** Erases one page of the images of earlier generations of a person. */
    erasePerson: (group: string, key: string, generation: Generation) =>
      retryOnConflict(() =>
        erasePage(store, rangeOfPerson(group, key), (other) => isEarlier(other, generation)),
      ),

    /**
     * Erases one page of the images and people of earlier generations of a group; `next` is the partition to continue
     * with.
     */
    async eraseGroup(
      { group, generation }: Living,
      from: string | undefined,
    ): Promise<ErasedRows & { next?: string }> {
      const partitions = toPartitions(group);
      const partition = from ?? partitions[0] ?? '';
      if (!partitions.includes(partition)) throw new RollcallError('other_version');
      return retryOnConflict(async () => {
        const isOld = (other: Generation) => groupGenerationOf(other) < generation;
        const { more, ...erased } = await erasePage(store, prefixed(partition, 'i.'), isOld);
        const isDone = !more && !(await erasePeople(table, partition, isOld));
        const next = isDone ? partitions[partitions.indexOf(partition) + 1] : partition;
        return { ...erased, ...(next !== undefined && { next }) };
      });
    },

    /**
     * Erases a probe together with a person; the hash of its bytes is kept like those of the person's images until the
     * erasure is over.
     */
    eraseProbe: (ref: ImageRef, of: { key: string; generation: Generation }) =>
      retryOnConflict(async () => {
        const row = await table.get<ImageRow>(toImagePartition(ref), toImageRow(ref));
        const content = row?.value.content;
        if (content !== undefined) await keepContent(table, ref.group, content, of);
        return eraseRows(store, toImagePartition(ref), row === undefined ? [] : [row], []);
      }),

    /**
     * Erases an image of an earlier generation of its group that a stalled function recorded after the erasure had
     * passed its partition, and its person. Such an image has no face. While the erasure goes on, the hash of its bytes
     * is kept.
     */
    eraseOrphaned: (ref: ImageRef, { generation, erasures }: Group) =>
      retryOnConflict(async () => {
        const isOld = (other: Generation) => groupGenerationOf(other) < generation;
        const partition = toImagePartition(ref);
        const row = await table.get<ImageRow>(partition, toImageRow(ref));
        if (row === undefined || !isOld(row.value.generation)) return eraseRows(store, partition, [], []);
        // The image last: as long as its row is there, its reminder has this repeated.
        while (await erasePeople(table, partition, isOld));
        return eraseRows(store, partition, [row], erasures === undefined ? [] : toContentWrites([row.value]));
      }),
  };
}

function takeOld<Row extends { generation: Generation }>(
  table: Table,
  { partition, from, before }: Range,
  isOld: IsOld,
): Promise<Stored<Row>[]> {
  const rows = table.range<Row>(partition, from, before);
  return take(
    filtered(rows, ({ value }) => isOld(value.generation)),
    erasedAtOnce,
  );
}

type Store = { table: Table; reminders: Reminders };

/** Erases one page of the images of a range. */
async function erasePage(store: Store, range: Range, isOld: IsOld): Promise<ErasedRows & { more: boolean }> {
  const rows = await takeOld<ImageRow>(store.table, range, isOld);
  const left = toContentWrites(rows.map(({ value }) => value));
  const erased = await eraseRows(store, range.partition, rows, left);
  return { ...erased, more: rows.length === erasedAtOnce };
}

/** Erases rows of images of one partition and writes `left` in the same transaction. */
async function eraseRows(
  { table, reminders }: Store,
  partition: string,
  rows: readonly Stored<ImageRow>[],
  left: readonly Write[],
): Promise<ErasedRows> {
  const images = rows.map(({ value }) => value);
  if (images.length === 0) return { pictures: 0, faces: 0, received: 0 };
  const counters = await changeCounters(table, partition, (counts) =>
    images.reduce((before, image) => countChange(before, image, undefined), counts),
  );
  await table.write(partition, [...rows.flatMap(toRemovals), ...left, counters]);
  for (const { reminder } of images) if (reminder !== undefined) await reminders.drop(reminder);
  return {
    pictures: images.length,
    faces: images.filter((image) => hasFace(image) || image.orphanedFaces.length > 0).length,
    received: images.filter(({ state }) => state === 'received').length,
  };
}

/** Erases one page of the people of a partition. Resolves with whether more may be left. */
async function erasePeople(table: Table, partition: string, isOld: IsOld): Promise<boolean> {
  const rows = await takeOld<Person>(table, prefixed(partition, 'p.'), isOld);
  if (rows.length === 0) return false;
  const listed = rows.filter(({ value }) => isListed(value)).length;
  const counters = await countPeople(table, partition, -listed);
  await table.write(partition, [
    ...rows.map(({ rowKey, etag }) => ({ kind: 'remove' as const, rowKey, etag })),
    ...rows.flatMap(({ value: { erasures, key } }) =>
      erasures === undefined ? [] : [{ kind: 'remove' as const, rowKey: toErasingRow(key) }],
    ),
    counters,
  ]);
  return rows.length === erasedAtOnce;
}
