import { containers } from '../resources.ts';
import { moved, noCounts, sum, type Counts } from './counts.ts';
import { oldestFirst, partitionOf, partitionsOf } from './keys.ts';
import { isSettled, needsEnrollment, type Picture, type PictureState } from './picture.ts';
import type { Reminders } from './reminders.ts';
import { afterPrefix, retryOnConflict, take, type Stored, type Table, type Write } from './table.ts';

/**
 * The ledger: every picture in exactly one state. Rows of one partition, written together or not at all:
 *
 *   i.{person}.{image}          the picture; a probe has no person
 *   s.{state}.{row}             index by state
 *   o.{person}.{time}.{image}   index of what a person's session has to do, oldest first
 *   p.{person}                  the person, with the counts of its pictures
 *   counters                    this partition's share of the group's counts
 */

/** Names a picture without its path: hashes only, fit for messages. */
export type PictureRef = { group: string; person?: string; image: string };

export type Person = {
  /** NFC. */
  person: string;
  key: string;
  group: string;
  generation: number;
  /** The person in Face, of that incarnation of the group in Face. */
  personId?: string;
  incarnation?: number;
  images: Counts;
  createdAt: number;
};

type PictureRow = Picture & { openKey?: string; reminder?: string };
type Counters = { images: Counts; probes: Counts; persons: number };
export type GroupCounts = Counters;
export type PageQuery = { top: number; after?: string | undefined };
export type PictureQuery = PageQuery & {
  state?: PictureState | undefined;
  /** Key. */ person?: string | undefined;
};
export type Page<Value> = { items: Value[]; next?: string };

const noCounters = (): Counters => ({ images: noCounts(), probes: noCounts(), persons: 0 });

export type Ledger = ReturnType<typeof createLedger>;

export function createLedger(table: Table, reminders: Reminders, now: () => number) {
  async function change(
    ref: PictureRef,
    transition: (picture: Picture | undefined) => Picture | undefined,
  ): Promise<Picture | undefined> {
    return retryOnConflict(async () => {
      const partition = partitionOfPicture(ref);
      const rowKey = rowKeyOf(ref);
      const before = await table.get<PictureRow>(partition, rowKey);
      const picture = transition(before?.value);
      if (picture === undefined || picture === before?.value) return picture;
      const after = await withReminder(ref, before?.value, picture);
      const writes = [
        pictureWrite(rowKey, before, after),
        ...indexWrites(ref, rowKey, before?.value, after),
        ...(await countWrites(partition, ref, before?.value, after)),
      ];
      await table.write(partition, writes);
      const dropped = before?.value.reminder;
      if (dropped !== undefined && after.reminder === undefined) await reminders.drop(dropped);
      return after;
    });
  }

  /** A picture that is not settled has a reminder before it has a row, so that it can never be forgotten. */
  async function withReminder(
    ref: PictureRef,
    before: PictureRow | undefined,
    picture: Picture,
  ): Promise<PictureRow> {
    const { openKey: _openKey, reminder: _reminder, ...rest }: PictureRow = picture;
    const opened = needsEnrollment(rest) && ref.person !== undefined;
    const openKey = opened
      ? (before?.openKey ?? `o.${ref.person}.${oldestFirst(now())}.${ref.image}`)
      : undefined;
    const reminder = isSettled(rest) ? undefined : (before?.reminder ?? (await reminders.add(ref)));
    return {
      ...rest,
      ...(openKey === undefined ? {} : { openKey }),
      ...(reminder === undefined ? {} : { reminder }),
    };
  }

  async function countWrites(
    partition: string,
    ref: PictureRef,
    before: PictureRow | undefined,
    after: PictureRow,
  ): Promise<Write[]> {
    if (before?.state === after.state) return [];
    const counters = await table.get<Counters>(partition, 'counters');
    const value = counters?.value ?? noCounters();
    const kind = after.image.startsWith(`${containers.identify}/`) ? 'probes' : 'images';
    const counted = { ...value, [kind]: moved(value[kind], before?.state, after.state) };
    // A path without a person: a probe, or a picture that lies where none can be enrolled.
    if (ref.person === undefined) return [changed('counters', counters, counted)];
    const person = await table.get<Person>(partition, `p.${ref.person}`);
    const known = person?.value ?? newPerson(after, ref.person, now());
    return [
      changed('counters', counters, { ...counted, persons: value.persons + (person === undefined ? 1 : 0) }),
      changed(`p.${ref.person}`, person, {
        ...known,
        images: moved(known.images, before?.state, after.state),
      }),
    ];
  }

  async function listOfPerson(group: string, person: string, query: PictureQuery): Promise<Page<Picture>> {
    const prefix = `i.${person}.`;
    const rows = table.range<PictureRow>(
      partitionOf(group, person),
      `${prefix}${query.after ?? ''}`,
      afterPrefix(prefix),
    );
    const wanted = filtered(
      rows,
      ({ rowKey, value }) =>
        rowKey !== `${prefix}${query.after}` && (query.state === undefined || value.state === query.state),
    );
    return page(
      wanted,
      query.top,
      ({ rowKey }) => rowKey.slice(prefix.length),
      async ({ value }) => value,
    );
  }

  return {
    change,

    async get(ref: PictureRef): Promise<Picture | undefined> {
      return (await table.get<PictureRow>(partitionOfPicture(ref), rowKeyOf(ref)))?.value;
    },

    /** What a person's session has to do, in the order in which it came up. */
    async openPictures(group: string, person: string, top: number): Promise<PictureRef[]> {
      const prefix = `o.${person}.`;
      const rows = await take(
        table.range<PictureRef>(partitionOf(group, person), prefix, afterPrefix(prefix)),
        top,
      );
      return rows.map((row) => row.value);
    },

    /** All pictures of a person, whatever their state. */
    async *picturesOfPerson(group: string, person: string): AsyncGenerator<Picture> {
      const prefix = `i.${person}.`;
      for await (const row of table.range<PictureRow>(
        partitionOf(group, person),
        prefix,
        afterPrefix(prefix),
      )) {
        yield row.value;
      }
    },

    async listPictures(group: string, query: PictureQuery): Promise<Page<Picture>> {
      if (query.person !== undefined) return listOfPerson(group, query.person, query);
      const prefix = query.state === undefined ? 'i.' : `s.${query.state}.`;
      const rows = acrossPartitions<PictureRow | { row: string }>(table, group, prefix, query.after);
      return page(
        rows,
        query.top,
        ({ token }) => token,
        async ({ partition, row }) =>
          'row' in row.value ? (await table.get<PictureRow>(partition, row.value.row))?.value : row.value,
      );
    },

    async listPersons(group: string, { top, after }: PageQuery): Promise<Page<Person>> {
      const rows = acrossPartitions<Person>(table, group, 'p.', after);
      return page(
        rows,
        top,
        ({ token }) => token,
        async ({ row }) => row.value,
      );
    },

    async counts(group: string): Promise<GroupCounts> {
      const all = await Promise.all(
        partitionsOf(group).map((partition) => table.get<Counters>(partition, 'counters')),
      );
      const values = all.map((row) => row?.value ?? noCounters());
      return {
        images: sum(values.map((value) => value.images)),
        probes: sum(values.map((value) => value.probes)),
        persons: values.reduce((persons, value) => persons + value.persons, 0),
      };
    },

    async person(group: string, key: string): Promise<Person | undefined> {
      return (await table.get<Person>(partitionOf(group, key), `p.${key}`))?.value;
    },

    /** Changes a person that exists. */
    async changePerson(group: string, key: string, transition: (person: Person) => Person): Promise<void> {
      await retryOnConflict(async () => {
        const partition = partitionOf(group, key);
        const row = await table.get<Person>(partition, `p.${key}`);
        if (row !== undefined)
          await table.write(partition, [changed(`p.${key}`, row, transition(row.value))]);
      });
    },
  };
}

function partitionOfPicture(ref: PictureRef): string {
  return partitionOf(ref.group, ref.person ?? ref.image);
}

function rowKeyOf(ref: PictureRef): string {
  return `i.${ref.person ?? ''}.${ref.image}`;
}

function newPerson(picture: Picture, key: string, createdAt: number): Person {
  return {
    person: picture.person ?? '',
    key,
    group: picture.group,
    generation: 1,
    images: noCounts(),
    createdAt,
  };
}

function pictureWrite(rowKey: string, before: Stored<PictureRow> | undefined, after: PictureRow): Write {
  return changed(rowKey, before, after);
}

function indexWrites(
  ref: PictureRef,
  rowKey: string,
  before: PictureRow | undefined,
  after: PictureRow,
): Write[] {
  const writes: Write[] = [];
  if (before?.state !== after.state) {
    if (before !== undefined) writes.push({ kind: 'remove', rowKey: `s.${before.state}.${rowKey}` });
    writes.push({ kind: 'put', rowKey: `s.${after.state}.${rowKey}`, value: { row: rowKey } });
  }
  if (before?.openKey !== after.openKey) {
    if (before?.openKey !== undefined) writes.push({ kind: 'remove', rowKey: before.openKey });
    if (after.openKey !== undefined) writes.push({ kind: 'put', rowKey: after.openKey, value: ref });
  }
  return writes;
}

function changed(rowKey: string, before: Stored<unknown> | undefined, value: unknown): Write {
  return before === undefined
    ? { kind: 'insert', rowKey, value }
    : { kind: 'replace', rowKey, value, etag: before.etag };
}

type Placed<Value> = { partition: string; row: Stored<Value>; token: string };

/** One partition after the other; the token of a row is its partition's number and its key. */
async function* acrossPartitions<Value>(
  table: Table,
  group: string,
  prefix: string,
  after = '',
): AsyncGenerator<Placed<Value>> {
  const first = Number.parseInt(after.slice(0, 1) || '0', 10);
  const afterRow = after.slice(1);
  for (const [index, partition] of partitionsOf(group).entries()) {
    if (index < first) continue;
    const from = index === first && afterRow > prefix ? afterRow : prefix;
    for await (const row of table.range<Value>(partition, from, afterPrefix(prefix))) {
      if (index !== first || row.rowKey !== afterRow)
        yield { partition, row, token: `${index}${row.rowKey}` };
    }
  }
}

async function* filtered<Value>(
  rows: AsyncIterable<Value>,
  keep: (row: Value) => boolean,
): AsyncGenerator<Value> {
  for await (const row of rows) if (keep(row)) yield row;
}

/** Reads one row more than asked, to know whether there is a next page. */
async function page<Row, Value>(
  rows: AsyncIterable<Row>,
  top: number,
  tokenOf: (row: Row) => string,
  valueOf: (row: Row) => Promise<Value | undefined>,
): Promise<Page<Value>> {
  const taken = await take(rows, top + 1);
  const last = taken[top - 1];
  const items = await Promise.all(taken.slice(0, top).map(valueOf));
  const next = taken.length > top && last !== undefined ? tokenOf(last) : undefined;
  return { items: items.filter((item) => item !== undefined), ...(next === undefined ? {} : { next }) };
}
