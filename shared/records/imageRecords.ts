import type { ImageRef } from '../messages/workQueues.ts';
import { RollcallError } from '../errors/errors.ts';
import { containers } from '../config/resources.ts';
import type { Group } from './groups.ts';
import { groupGenerationOf, isEarlier, nextLife, type Life } from './generation.ts';
import { moved, noCounts, sum, type Counts } from './counts.ts';
import { oldestFirst, partitionOf, partitionsOf, personKeyOf } from './keys.ts';
import { isSettled, needsEnrollment, type ImageRecord, type ImageState } from './image.ts';
import type { Reminders } from './reminders.ts';
import {
  afterPrefix,
  filtered,
  inSlices,
  retryOnConflict,
  take,
  type Stored,
  type Table,
  type Write,
} from './table.ts';

/**
 * The image records: every image is in exactly one state. Rows of one partition, written together or not at all:
 *
 *   i.{person}.{image}          the picture; a probe has no person
 *   s.{state}.{row}             index by state
 *   o.{person}.{time}.{image}   index of what a person's session has to do, oldest first
 *   p.{person}                  the person, with the counts of its pictures in its present life
 *   d.{person}                  a person whose earlier life is being erased
 *   c.{content}.{person}        bytes of a picture of an earlier life, until its erasure is over
 *   counters                    this partition's share of the group's counts
 */

export type Person = {
  /** NFC. */
  person: string;
  key: string;
  group: string;
  life: Life;
  /** The person in Face, and the epoch of the group in which Face has it. */
  personId?: string;
  faceGroupEpoch?: number;
  images: Counts;
  /** How many of the pictures have a face in Face that names the person. */
  faces: number;
  createdAt: number;
  /** By the clock of the storage account: pictures written until then belong to an earlier life. */
  deletedAt?: number;
  /** Nothing has been dropped since. */
  isDeleted?: boolean;
  /** Erasures of earlier lives that are not over, and the persons in Face that go with them. */
  erasures?: { ids: string[]; personIds: string[] };
};

/** `faces`: how many of the pictures had a face in Face; `received`: how many may just have been detected. */
type ErasedRows = { pictures: number; faces: number; received: number };

type Living = Pick<Group, 'group' | 'generation'>;

function isAlive(person: Person, { generation }: Living): boolean {
  return person.isDeleted !== true && groupGenerationOf(person.life) === generation;
}

/** Whether the person is one of those that a list names: one without pictures is nobody whom a reader looks for. */
function isListed({ isDeleted, images }: Person): boolean {
  return (
    isDeleted !== true && Object.entries(images).some(([state, count]) => state !== 'removed' && count > 0)
  );
}

/** A transaction takes a hundred writes, and a picture has three rows and leaves one. */
const erasedAtOnce = 24;
/** Of each partition; more persons than that are hardly erased at the same time. */
const erasedAtMost = 1_000;

type ImageRow = ImageRecord & { openKey?: string; reminder?: string };
type Counters = { images: Counts; probes: Counts; persons: number };
export type GroupCounts = Counters;
export type PageQuery = { top: number; after?: string | undefined };
export type ImageQuery = PageQuery & {
  state?: ImageState | undefined;
  /** Key. */ person?: string | undefined;
  /** Only what belongs to the present life of the group, which this is, and of its persons. */
  generation?: number | undefined;
};
export type Page<Value> = { items: Value[]; next?: string };

const noCounters = (): Counters => ({ images: noCounts(), probes: noCounts(), persons: 0 });

export type ImageRecords = ReturnType<typeof createImageRecords>;

export function createImageRecords(table: Table, reminders: Reminders, now: () => number) {
  async function change(
    ref: ImageRef,
    transition: (picture: ImageRecord | undefined) => ImageRecord | undefined,
  ): Promise<ImageRecord | undefined> {
    return retryOnConflict(async () => {
      const partition = partitionOfImage(ref);
      const rowKey = rowKeyOf(ref);
      const before = await table.get<ImageRow>(partition, rowKey);
      const picture = transition(before?.value);
      if (picture === undefined || picture === before?.value) return picture;
      const after = await withReminder(ref, before?.value, picture);
      const counted = await countWrites(partition, ref, before?.value, after);
      if (counted === 'of an ended life') return undefined;
      await table.write(partition, [
        imageWrite(rowKey, before, after),
        ...indexWrites(ref, rowKey, before?.value, after),
        ...(before !== undefined && isEarlier(before.value.generation, after.generation)
          ? contentWrites([before])
          : []),
        ...counted,
      ]);
      const dropped = before?.value.reminder;
      if (dropped !== undefined && after.reminder === undefined) await reminders.drop(dropped);
      return after;
    });
  }

  /** A picture that is not settled has a reminder before it has a row, so that it can never be forgotten. */
  async function withReminder(
    ref: ImageRef,
    before: ImageRow | undefined,
    picture: ImageRecord,
  ): Promise<ImageRow> {
    const { openKey: _openKey, reminder: _reminder, ...rest }: ImageRow = picture;
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
    ref: ImageRef,
    before: ImageRow | undefined,
    after: ImageRow,
  ): Promise<Write[] | 'of an ended life'> {
    const countsAsBefore =
      before?.state === after.state &&
      before.generation === after.generation &&
      hasFace(before) === hasFace(after);
    if (countsAsBefore) return [];
    const counters = await table.get<Counters>(partition, 'counters');
    const value = counters?.value ?? noCounters();
    const kind = after.image.startsWith(`${containers.identify}/`) ? 'probes' : 'images';
    const counted = { ...value, [kind]: moved(value[kind], before?.state, after.state) };
    // A path without a person: a probe, or a picture that lies where none can be enrolled.
    if (ref.person === undefined) return [changed('counters', counters, counted)];
    const person = await table.get<Person>(partition, `p.${ref.person}`);
    // A picture of an earlier life counts for the group until it is erased; after that, no row of it comes back.
    if (person !== undefined && isEarlier(after.generation, person.value.life))
      return before === undefined ? 'of an ended life' : [changed('counters', counters, counted)];
    const known = personOf(after, ref.person, person?.value);
    const from = before?.generation === after.generation ? before : undefined;
    const counting = {
      ...known,
      images: moved(known.images, from?.state, after.state),
      faces: known.faces + Number(hasFace(after)) - Number(hasFace(from)),
    };
    const more = Number(isListed(counting)) - Number(person !== undefined && isListed(person.value));
    return [
      changed('counters', counters, { ...counted, persons: value.persons + more }),
      changed(`p.${ref.person}`, person, counting),
    ];
  }

  /** The person of a picture, in the life of the picture. */
  function personOf(picture: ImageRecord, key: string, person: Person | undefined): Person {
    if (person === undefined) return newPerson(picture, key, now());
    const { isDeleted = false, ...rest } = person;
    if (person.life === picture.generation)
      return isDeleted ? { ...rest, person: picture.person ?? '', createdAt: now() } : rest;
    const { deletedAt, erasures } = rest;
    return {
      ...newPerson(picture, key, now()),
      ...(deletedAt === undefined ? {} : { deletedAt }),
      ...(erasures === undefined ? {} : { erasures }),
    };
  }

  /** What belongs to an earlier life, and is not erased yet, is gone for whoever asks. */
  async function erasedIn(
    group: string,
    partitions: readonly string[],
    generation: number,
  ): Promise<(picture: ImageRecord) => boolean> {
    const rows = await Promise.all(
      partitions.map((partition) =>
        take(table.range<{ life: Life }>(partition, 'd.', afterPrefix('d.')), erasedAtMost),
      ),
    );
    const lives = new Map(rows.flat().map(({ rowKey, value }) => [rowKey.slice(2), value.life]));
    return (picture) => {
      if (groupGenerationOf(picture.generation) < generation) return true;
      const life = lives.size === 0 ? undefined : lives.get(personKeyOf(group, picture.person ?? ''));
      return life !== undefined && isEarlier(picture.generation, life);
    };
  }

  /** Erases rows of pictures of one partition, and what counts and lists them. */
  async function erase(
    partition: string,
    rows: readonly Stored<ImageRow>[],
    left: readonly Write[] = [],
  ): Promise<ErasedRows> {
    if (rows.length === 0) return { pictures: 0, faces: 0, received: 0 };
    const counters = await table.get<Counters>(partition, 'counters');
    const value = counters?.value ?? noCounters();
    const counted = { ...value, images: { ...value.images }, probes: { ...value.probes } };
    const removals = rows.flatMap(({ rowKey, etag, value: picture }): Write[] => {
      const kind = picture.image.startsWith(`${containers.identify}/`) ? 'probes' : 'images';
      counted[kind][picture.state] -= 1;
      return [
        { kind: 'remove', rowKey, etag },
        { kind: 'remove', rowKey: `s.${picture.state}.${rowKey}` },
        ...(picture.openKey === undefined ? [] : [{ kind: 'remove' as const, rowKey: picture.openKey }]),
      ];
    });
    await table.write(partition, [...removals, ...left, changed('counters', counters, counted)]);
    for (const { value: picture } of rows)
      if (picture.reminder !== undefined) await reminders.drop(picture.reminder);
    const faces = rows.filter((row) => hasFace(row.value) || row.value.orphanedFaces.length > 0).length;
    const received = rows.filter((row) => row.value.state === 'received').length;
    return { pictures: rows.length, faces, received };
  }

  async function erasePersons(partition: string, isOld: (life: Life) => boolean): Promise<boolean> {
    const rows = await take(
      filtered(table.range<Person>(partition, 'p.', afterPrefix('p.')), ({ value }) => isOld(value.life)),
      erasedAtOnce,
    );
    if (rows.length === 0) return false;
    const counters = await table.get<Counters>(partition, 'counters');
    const value = counters?.value ?? noCounters();
    const counted = rows.filter((row) => isListed(row.value)).length;
    await table.write(partition, [
      ...rows.map(({ rowKey, etag }) => ({ kind: 'remove' as const, rowKey, etag })),
      ...rows.flatMap((row) =>
        row.value.erasures === undefined ? [] : [{ kind: 'remove' as const, rowKey: `d.${row.value.key}` }],
      ),
      changed('counters', counters, { ...value, persons: value.persons - counted }),
    ]);
    return rows.length === erasedAtOnce;
  }

  async function listOfPerson(group: string, person: string, query: ImageQuery): Promise<Page<ImageRecord>> {
    const prefix = `i.${person}.`;
    const rows = table.range<ImageRow>(
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

    async get(ref: ImageRef): Promise<ImageRecord | undefined> {
      return (await table.get<ImageRow>(partitionOfImage(ref), rowKeyOf(ref)))?.value;
    },

    /** What a person's session has to do, in the order in which it came up. */
    async openImages(group: string, person: string, top: number): Promise<ImageRef[]> {
      const prefix = `o.${person}.`;
      const rows = await take(
        table.range<ImageRef>(partitionOf(group, person), prefix, afterPrefix(prefix)),
        top,
      );
      return rows.map((row) => row.value);
    },

    /** All pictures of a person, whatever their state. */
    async *imagesOfPerson(group: string, person: string): AsyncGenerator<ImageRecord> {
      const prefix = `i.${person}.`;
      for await (const row of table.range<ImageRow>(
        partitionOf(group, person),
        prefix,
        afterPrefix(prefix),
      )) {
        yield row.value;
      }
    },

    async listImages(group: string, query: ImageQuery): Promise<Page<ImageRecord>> {
      const partitions =
        query.person === undefined ? partitionsOf(group) : [partitionOf(group, query.person)];
      const isErased =
        query.generation === undefined ? () => false : await erasedIn(group, partitions, query.generation);
      const unlessErased = (picture: ImageRecord | undefined) =>
        picture === undefined || isErased(picture) ? undefined : picture;
      if (query.person !== undefined) {
        const { items, ...rest } = await listOfPerson(group, query.person, query);
        return { items: items.filter((picture) => !isErased(picture)), ...rest };
      }
      const prefix = query.state === undefined ? 'i.' : `s.${query.state}.`;
      const rows = acrossPartitions<ImageRow | { row: string }>(table, group, prefix, query.after);
      return page(
        rows,
        query.top,
        ({ token }) => token,
        async ({ partition, row }) =>
          unlessErased(
            'row' in row.value ? (await table.get<ImageRow>(partition, row.value.row))?.value : row.value,
          ),
      );
    },

    async listPersons(group: Living, { top, after }: PageQuery): Promise<Page<Person>> {
      const rows = filtered(
        acrossPartitions<Person>(table, group.group, 'p.', after),
        ({ row }) => isAlive(row.value, group) && isListed(row.value),
      );
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

    /** A living person of a living group. */
    async person(group: Living, key: string): Promise<Person | undefined> {
      const person = await this.personRow(group.group, key);
      return person !== undefined && isAlive(person, group) ? person : undefined;
    },

    /** A picture that may be named: it is not removed, and belongs to the present life of its group and person. */
    async livingImage(group: Living, ref: ImageRef): Promise<ImageRecord | undefined> {
      const picture = await this.get(ref);
      if (picture === undefined || picture.state === 'removed') return undefined;
      if (ref.person === undefined)
        return groupGenerationOf(picture.generation) === group.generation ? picture : undefined;
      const person = await this.person(group, ref.person);
      return person?.life === picture.generation ? picture : undefined;
    },

    /** What is remembered of a person, living or deleted. */
    async personRow(group: string, key: string): Promise<Person | undefined> {
      return (await table.get<Person>(partitionOf(group, key), `p.${key}`))?.value;
    },

    /**
     * Ends the life of a person in one write: from then on no answer names him. False when there is none, or one that
     * began after that moment.
     */
    async deletePerson(group: Living, key: string, erasure: string, deletedAt: number): Promise<boolean> {
      return retryOnConflict(async () => {
        const partition = partitionOf(group.group, key);
        const row = await table.get<Person>(partition, `p.${key}`);
        if (row === undefined) return false;
        if (row.value.erasures?.ids.includes(erasure) === true) return true;
        if (!isAlive(row.value, group) || deletedAt <= (row.value.deletedAt ?? -1)) return false;
        const counters = await table.get<Counters>(partition, 'counters');
        const value = counters?.value ?? noCounters();
        const { personId, faceGroupEpoch: _faceGroupEpoch, erasures, ...rest } = row.value;
        const life = nextLife(rest.life);
        const deleted: Person = {
          ...rest,
          life,
          images: noCounts(),
          faces: 0,
          isDeleted: true,
          deletedAt,
          erasures: {
            ids: [...(erasures?.ids ?? []), erasure],
            personIds: [...(erasures?.personIds ?? []), ...(personId === undefined ? [] : [personId])],
          },
        };
        await table.write(partition, [
          changed(`p.${key}`, row, deleted),
          changed('counters', counters, { ...value, persons: value.persons - Number(isListed(row.value)) }),
          { kind: 'put', rowKey: `d.${key}`, value: { life } },
        ]);
        return true;
      });
    },

    /**
     * The erasures of a person are over: of a deleted one nothing is left but the hash of his name and his life. False
     * when he was deleted again since.
     */
    async personErased({ group, key, erasures, deletedAt }: Person): Promise<boolean> {
      return retryOnConflict(async () => {
        const partition = partitionOf(group, key);
        const row = await table.get<Person>(partition, `p.${key}`);
        if (row?.value.erasures === undefined) return true;
        const isAsSeen =
          row.value.erasures.ids.join() === erasures?.ids.join() && row.value.deletedAt === deletedAt;
        if (!isAsSeen) return false;
        const { erasures: _erasures, ...rest } = row.value;
        const left = rest.isDeleted === true ? { ...rest, person: '' } : rest;
        await table.write(partition, [
          changed(`p.${key}`, row, left),
          { kind: 'remove', rowKey: `d.${key}` },
        ]);
        return true;
      });
    },

    /** Drops what is kept of a person who was deleted then, unless the person came back or was deleted again. */
    async dropTombstone(group: string, key: string, deletedAt: number): Promise<void> {
      await retryOnConflict(async () => {
        const partition = partitionOf(group, key);
        const row = await table.get<Person>(partition, `p.${key}`);
        if (row?.value.isDeleted !== true || row.value.erasures !== undefined) return;
        if (row.value.deletedAt !== deletedAt) return;
        await table.write(partition, [{ kind: 'remove', rowKey: row.rowKey, etag: row.etag }]);
      });
    },

    /** Erases a slice of the pictures of earlier lives of a person. */
    async erasePerson(group: string, key: string, life: Life): Promise<ErasedRows & { more: boolean }> {
      return retryOnConflict(async () => {
        const partition = partitionOf(group, key);
        const prefix = `i.${key}.`;
        const rows = table.range<ImageRow>(partition, prefix, afterPrefix(prefix));
        const earlier = await take(
          filtered(rows, ({ value }) => isEarlier(value.generation, life)),
          erasedAtOnce,
        );
        const erased = await erase(partition, earlier, contentWrites(earlier));
        return { ...erased, more: earlier.length === erasedAtOnce };
      });
    },

    /** Erases a slice of the pictures and persons of earlier lives of a group; `next` names the partition to go on in. */
    async eraseGroup(
      { group, generation }: Living,
      from: string | undefined,
    ): Promise<ErasedRows & { next?: string }> {
      const partitions = partitionsOf(group);
      const partition = from ?? partitions[0] ?? '';
      if (!partitions.includes(partition)) throw new RollcallError('other_version');
      return retryOnConflict(async () => {
        const isOld = (life: Life) => groupGenerationOf(life) < generation;
        const pictures = await take(
          filtered(table.range<ImageRow>(partition, 'i.', afterPrefix('i.')), ({ value }) =>
            isOld(value.generation),
          ),
          erasedAtOnce,
        );
        const erased = await erase(partition, pictures, contentWrites(pictures));
        const isDone = pictures.length < erasedAtOnce && !(await erasePersons(partition, isOld));
        const next = isDone ? partitions[partitions.indexOf(partition) + 1] : partition;
        return next === undefined ? erased : { ...erased, next };
      });
    },

    /**
     * Erases a probe, which goes with a person whose life ended; what it was is kept like what the pictures of the
     * person were.
     */
    async eraseProbe(ref: ImageRef, { key, life }: { key: string; life: Life }): Promise<ErasedRows> {
      return retryOnConflict(async () => {
        const row = await table.get<ImageRow>(partitionOfImage(ref), rowKeyOf(ref));
        if (row === undefined) return { pictures: 0, faces: 0, received: 0 };
        const { content } = row.value;
        if (content !== undefined)
          await table.write(partitionOf(ref.group, key), [
            { kind: 'put', rowKey: `c.${content}.${key}`, value: { life } },
          ]);
        return erase(partitionOfImage(ref), [row]);
      });
    },

    /** Whether these bytes were a picture of an earlier life of a person that is being erased. */
    async wasImageOfPerson(group: string, key: string, life: Life, content: string): Promise<boolean> {
      for await (const picture of this.imagesOfPerson(group, key))
        if (picture.content === content && isEarlier(picture.generation, life)) return true;
      const left = await table.get<{ life: Life }>(partitionOf(group, key), `c.${content}.${key}`);
      return left !== undefined && isEarlier(left.value.life, life);
    },

    /** Whether these bytes were a picture of an earlier life of a group, the rows of which are erased. */
    async wasImageOfGroup({ group, generation }: Living, content: string): Promise<boolean> {
      const prefix = `c.${content}.`;
      for (const partition of partitionsOf(group))
        for await (const { value } of table.range<{ life: Life }>(partition, prefix, afterPrefix(prefix)))
          if (groupGenerationOf(value.life) < generation) return true;
      return false;
    },

    /** The erasure of a person, or of a group, is over: what its pictures were is not needed any more. */
    async forgetContents(
      group: string,
      key: string | undefined,
      isOld: (life: Life) => boolean,
    ): Promise<void> {
      const partitions = key === undefined ? partitionsOf(group) : [partitionOf(group, key)];
      const isOfThem = ({ rowKey, value }: Stored<{ life: Life }>) =>
        isOld(value.life) && (key === undefined || rowKey.endsWith(`.${key}`));
      for (const partition of partitions)
        await retryOnConflict(async () => {
          const rows = filtered(table.range<{ life: Life }>(partition, 'c.', afterPrefix('c.')), isOfThem);
          for await (const slice of inSlices(rows, 100))
            await table.write(
              partition,
              slice.map(({ rowKey, etag }) => ({ kind: 'remove' as const, rowKey, etag })),
            );
        });
    },

    /**
     * Erases a picture of an earlier life of its group that a function recorded behind the back of the erasure, and its
     * person with it: the function had stalled. Such a picture has no face. As long as the erasure goes on, what the
     * picture was stays known.
     */
    async eraseOrphaned(ref: ImageRef, { generation, erasures }: Group): Promise<ErasedRows> {
      return retryOnConflict(async () => {
        const partition = partitionOfImage(ref);
        const row = await table.get<ImageRow>(partition, rowKeyOf(ref));
        if (row === undefined || groupGenerationOf(row.value.generation) >= generation)
          return erase(partition, []);
        // The picture last: as long as it is there, its reminder brings somebody here.
        while (await erasePersons(partition, (life) => groupGenerationOf(life) < generation));
        return erase(partition, [row], erasures === undefined ? [] : contentWrites([row]));
      });
    },

    /** Changes a person that exists. */
    async changePerson(
      group: string,
      key: string,
      transition: (person: Person) => Person,
    ): Promise<Person | undefined> {
      return retryOnConflict(async () => {
        const partition = partitionOf(group, key);
        const row = await table.get<Person>(partition, `p.${key}`);
        if (row === undefined) return undefined;
        const value = transition(row.value);
        if (value !== row.value) await table.write(partition, [changed(`p.${key}`, row, value)]);
        return value;
      });
    },
  };
}

function partitionOfImage(ref: ImageRef): string {
  return partitionOf(ref.group, ref.person ?? ref.image);
}

function rowKeyOf(ref: ImageRef): string {
  return `i.${ref.person ?? ''}.${ref.image}`;
}

function hasFace(picture: ImageRecord | undefined): boolean {
  return picture?.persisted !== undefined;
}

function newPerson(picture: ImageRecord, key: string, createdAt: number): Person {
  return {
    person: picture.person ?? '',
    key,
    group: picture.group,
    life: picture.generation,
    images: noCounts(),
    faces: 0,
    createdAt,
  };
}

function imageWrite(rowKey: string, before: Stored<ImageRow> | undefined, after: ImageRow): Write {
  return changed(rowKey, before, after);
}

function indexWrites(ref: ImageRef, rowKey: string, before: ImageRow | undefined, after: ImageRow): Write[] {
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

/** What pictures of an earlier life were is known until their erasure is over. Equal ones leave one row. */
function contentWrites(rows: readonly Stored<ImageRow>[]): Write[] {
  const lives = new Map(
    rows.flatMap(({ value: { content, person, group, generation } }): [string, Life][] => {
      if (content === undefined) return [];
      const key = person === undefined ? '' : personKeyOf(group, person);
      return [[`c.${content}.${key}`, generation]];
    }),
  );
  return [...lives].map(([rowKey, life]) => ({ kind: 'put', rowKey, value: { life } }));
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
