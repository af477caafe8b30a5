import type { ImageRef } from '../messages/workQueues.ts';
import { RollcallError } from '../errors/errors.ts';
import { containers } from '../config/resources.ts';
import type { Group } from './groups.ts';
import { groupGenerationOf, isEarlier, nextGeneration, type Generation } from './generation.ts';
import { moved, noCounts, sum, type Counts } from './counts.ts';
import { oldestFirst, partitionOf, partitionsOf, personKeyOf } from './keys.ts';
import { isSettled, needsEnrollment, type ImageRecord, type ImageState } from './image.ts';
import type { Reminders } from './reminders.ts';
import type { Stored, Write } from './entity.ts';
import { afterPrefix, filtered, inSlices, take, type PageQuery, type Page } from './ranges.ts';
import { retryOnConflict, type Table } from './table.ts';
export type { Page, PageQuery } from './ranges.ts';

/**
 * The image records: every image is in exactly one state. Rows of one partition, written together or not at all:
 *
 *   i.{person}.{image}          the record of an image; a probe has no person
 *   s.{state}.{row}             index by state
 *   o.{person}.{time}.{image}   index of the images that a person's reconciler has to work on, oldest first
 *   p.{person}                  the person, with the counts of its images in its present generation
 *   d.{person}                  a person whose earlier generation is being erased
 *   c.{content}.{person}        hash of the bytes of an image of an earlier generation, until its erasure is over
 *   counters                    this partition's share of the group's counts
 */

export type Person = {
  /** NFC. */
  person: string;
  key: string;
  group: string;
  generation: Generation;
  /** The person in Face, and the epoch of the group in which Face has it. */
  personId?: string;
  faceGroupEpoch?: number;
  images: Counts;
  /** How many of the images have a face in Face that names the person. */
  faces: number;
  createdAt: number;
  /** By the clock of the storage account: blobs written until then belong to an earlier generation. */
  deletedAt?: number;
  /** The person was deleted, and no image has been uploaded since. */
  isDeleted?: boolean;
  /** Erasures of earlier generations that are not over, and the persons in Face that go with them. */
  erasures?: { ids: string[]; personIds: string[] };
};

/** `faces`: how many of the erased images had a face in Face; `received`: how many may just have been detected. */
type ErasedRows = { pictures: number; faces: number; received: number };

type Living = Pick<Group, 'group' | 'generation'>;

function isAlive(person: Person, { generation }: Living): boolean {
  return person.isDeleted !== true && groupGenerationOf(person.generation) === generation;
}

/** Whether lists show the person: a person without images is left out. */
function isListed({ isDeleted, images }: Person): boolean {
  return (
    isDeleted !== true && Object.entries(images).some(([state, count]) => state !== 'removed' && count > 0)
  );
}

/** A transaction takes 100 writes; an erased image has three rows and leaves one. */
const erasedAtOnce = 24;
/** How many erasures of people a reader takes into account for each partition. */
const erasedAtMost = 1_000;

type ImageRow = ImageRecord & { openKey?: string; reminder?: string };
type Counters = { images: Counts; probes: Counts; persons: number };
export type GroupCounts = Counters;
export type ImageQuery = PageQuery & {
  state?: ImageState | undefined;
  /** Key. */ person?: string | undefined;
  /** The present generation of the group: images of earlier generations of it and of its people are left out. */
  generation?: number | undefined;
};

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
      if (counted === 'of an ended generation') return undefined;
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

  /** An image that is not settled gets a reminder before its row is written, so that the resync always finds it. */
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
  ): Promise<Write[] | 'of an ended generation'> {
    const countsAsBefore =
      before?.state === after.state &&
      before.generation === after.generation &&
      hasFace(before) === hasFace(after);
    if (countsAsBefore) return [];
    const counters = await table.get<Counters>(partition, 'counters');
    const value = counters?.value ?? noCounters();
    const kind = after.image.startsWith(`${containers.identify}/`) ? 'probes' : 'images';
    const counted = { ...value, [kind]: moved(value[kind], before?.state, after.state) };
    // A path without a person: a probe, or an image at a path where none can be enrolled.
    if (ref.person === undefined) return [changed('counters', counters, counted)];
    const person = await table.get<Person>(partition, `p.${ref.person}`);
    // An image of an earlier generation counts for the group until it is erased; then its row never comes back.
    if (person !== undefined && isEarlier(after.generation, person.value.generation))
      return before === undefined ? 'of an ended generation' : [changed('counters', counters, counted)];
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

  /** The person of an image, in the generation of the image. */
  function personOf(picture: ImageRecord, key: string, person: Person | undefined): Person {
    if (person === undefined) return newPerson(picture, key, now());
    const { isDeleted = false, ...rest } = person;
    if (person.generation === picture.generation)
      return isDeleted ? { ...rest, person: picture.person ?? '', createdAt: now() } : rest;
    const { deletedAt, erasures } = rest;
    return {
      ...newPerson(picture, key, now()),
      ...(deletedAt === undefined ? {} : { deletedAt }),
      ...(erasures === undefined ? {} : { erasures }),
    };
  }

  /** A test for images of earlier generations: they are not erased yet, and answers leave them out. */
  async function erasedIn(
    group: string,
    partitions: readonly string[],
    groupGeneration: number,
  ): Promise<(picture: ImageRecord) => boolean> {
    const rows = await Promise.all(
      partitions.map((partition) =>
        take(table.range<{ generation: Generation }>(partition, 'd.', afterPrefix('d.')), erasedAtMost),
      ),
    );
    const generations = new Map(rows.flat().map(({ rowKey, value }) => [rowKey.slice(2), value.generation]));
    return (picture) => {
      if (groupGenerationOf(picture.generation) < groupGeneration) return true;
      const generation =
        generations.size === 0 ? undefined : generations.get(personKeyOf(group, picture.person ?? ''));
      return generation !== undefined && isEarlier(picture.generation, generation);
    };
  }

  /** Erases rows of images of one partition, with their counts and indexes. */
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

  async function erasePersons(
    partition: string,
    isOld: (generation: Generation) => boolean,
  ): Promise<boolean> {
    const rows = await take(
      filtered(table.range<Person>(partition, 'p.', afterPrefix('p.')), ({ value }) =>
        isOld(value.generation),
      ),
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

    /** The images that the reconciler of a person has to work on, oldest first. */
    async openImages(group: string, person: string, top: number): Promise<ImageRef[]> {
      const prefix = `o.${person}.`;
      const rows = await take(
        table.range<ImageRef>(partitionOf(group, person), prefix, afterPrefix(prefix)),
        top,
      );
      return rows.map((row) => row.value);
    },

    /** All images of a person in any state and generation. */
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

    /** A person that is not deleted, of the present generation of its group. */
    async person(group: Living, key: string): Promise<Person | undefined> {
      const person = await this.personRow(group.group, key);
      return person !== undefined && isAlive(person, group) ? person : undefined;
    },

    /** An image that answers may name: not removed, and of the present generation of its group and person. */
    async livingImage(group: Living, ref: ImageRef): Promise<ImageRecord | undefined> {
      const picture = await this.get(ref);
      if (picture === undefined || picture.state === 'removed') return undefined;
      if (ref.person === undefined)
        return groupGenerationOf(picture.generation) === group.generation ? picture : undefined;
      const person = await this.person(group, ref.person);
      return person?.generation === picture.generation ? picture : undefined;
    },

    /** The row of a person, deleted or not. */
    async personRow(group: string, key: string): Promise<Person | undefined> {
      return (await table.get<Person>(partitionOf(group, key), `p.${key}`))?.value;
    },

    /**
     * Ends the generation of a person in one write: no later answer names the person. False when there is no such
     * person, or its generation began after `deletedAt`.
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
        const generation = nextGeneration(rest.generation);
        const deleted: Person = {
          ...rest,
          generation,
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
          { kind: 'put', rowKey: `d.${key}`, value: { generation } },
        ]);
        return true;
      });
    },

    /**
     * Closes the erasures of a person: the row of a deleted person keeps a hash of the name and the generation. False
     * when the person was deleted again since.
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

    /** Drops the row of a person deleted at `deletedAt`, unless the person came back or was deleted again. */
    async dropTombstone(group: string, key: string, deletedAt: number): Promise<void> {
      await retryOnConflict(async () => {
        const partition = partitionOf(group, key);
        const row = await table.get<Person>(partition, `p.${key}`);
        if (row?.value.isDeleted !== true || row.value.erasures !== undefined) return;
        if (row.value.deletedAt !== deletedAt) return;
        await table.write(partition, [{ kind: 'remove', rowKey: row.rowKey, etag: row.etag }]);
      });
    },

    /** Erases one page of the images of earlier generations of a person. */
    async erasePerson(
      group: string,
      key: string,
      generation: Generation,
    ): Promise<ErasedRows & { more: boolean }> {
      return retryOnConflict(async () => {
        const partition = partitionOf(group, key);
        const prefix = `i.${key}.`;
        const rows = table.range<ImageRow>(partition, prefix, afterPrefix(prefix));
        const earlier = await take(
          filtered(rows, ({ value }) => isEarlier(value.generation, generation)),
          erasedAtOnce,
        );
        const erased = await erase(partition, earlier, contentWrites(earlier));
        return { ...erased, more: earlier.length === erasedAtOnce };
      });
    },

    /**
     * Erases one page of the images and people of earlier generations of a group; `next` is the partition to continue
     * with.
     */
    async eraseGroup(
      { group, generation }: Living,
      from: string | undefined,
    ): Promise<ErasedRows & { next?: string }> {
      const partitions = partitionsOf(group);
      const partition = from ?? partitions[0] ?? '';
      if (!partitions.includes(partition)) throw new RollcallError('other_version');
      return retryOnConflict(async () => {
        const isOld = (other: Generation) => groupGenerationOf(other) < generation;
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
     * Erases a probe together with a person; the hash of its bytes is kept like those of the person's images until the
     * erasure is over.
     */
    async eraseProbe(
      ref: ImageRef,
      { key, generation }: { key: string; generation: Generation },
    ): Promise<ErasedRows> {
      return retryOnConflict(async () => {
        const row = await table.get<ImageRow>(partitionOfImage(ref), rowKeyOf(ref));
        if (row === undefined) return { pictures: 0, faces: 0, received: 0 };
        const { content } = row.value;
        if (content !== undefined)
          await table.write(partitionOf(ref.group, key), [
            { kind: 'put', rowKey: `c.${content}.${key}`, value: { generation } },
          ]);
        return erase(partitionOfImage(ref), [row]);
      });
    },

    /** Whether an image of an earlier generation of a person that is being erased had these bytes. */
    async wasImageOfPerson(
      group: string,
      key: string,
      generation: Generation,
      content: string,
    ): Promise<boolean> {
      for await (const picture of this.imagesOfPerson(group, key))
        if (picture.content === content && isEarlier(picture.generation, generation)) return true;
      const left = await table.get<{ generation: Generation }>(
        partitionOf(group, key),
        `c.${content}.${key}`,
      );
      return left !== undefined && isEarlier(left.value.generation, generation);
    },

    /** Whether an image of an earlier generation of a group, whose rows are erased already, had these bytes. */
    async wasImageOfGroup({ group, generation }: Living, content: string): Promise<boolean> {
      const prefix = `c.${content}.`;
      for (const partition of partitionsOf(group))
        for await (const { value } of table.range<{ generation: Generation }>(
          partition,
          prefix,
          afterPrefix(prefix),
        ))
          if (groupGenerationOf(value.generation) < generation) return true;
      return false;
    },

    /** Drops the hashes that an erasure of a person or group kept, once it is over. */
    async forgetContents(
      group: string,
      key: string | undefined,
      isOld: (generation: Generation) => boolean,
    ): Promise<void> {
      const partitions = key === undefined ? partitionsOf(group) : [partitionOf(group, key)];
      const isOfThem = ({ rowKey, value }: Stored<{ generation: Generation }>) =>
        isOld(value.generation) && (key === undefined || rowKey.endsWith(`.${key}`));
      for (const partition of partitions)
        await retryOnConflict(async () => {
          const rows = filtered(
            table.range<{ generation: Generation }>(partition, 'c.', afterPrefix('c.')),
            isOfThem,
          );
          for await (const slice of inSlices(rows, 100))
            await table.write(
              partition,
              slice.map(({ rowKey, etag }) => ({ kind: 'remove' as const, rowKey, etag })),
            );
        });
    },

    /**
     * Erases an image of an earlier generation of its group that a stalled function recorded after the erasure had
     * passed its partition, and its person. Such an image has no face. While the erasure goes on, the hash of its bytes
     * is kept.
     */
    async eraseOrphaned(ref: ImageRef, { generation, erasures }: Group): Promise<ErasedRows> {
      return retryOnConflict(async () => {
        const partition = partitionOfImage(ref);
        const row = await table.get<ImageRow>(partition, rowKeyOf(ref));
        if (row === undefined || groupGenerationOf(row.value.generation) >= generation)
          return erase(partition, []);
        // The image last: as long as its row is there, its reminder has this repeated.
        while (await erasePersons(partition, (other) => groupGenerationOf(other) < generation));
        return erase(partition, [row], erasures === undefined ? [] : contentWrites([row]));
      });
    },

    /** Changes the row of a person, if there is one. */
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
    generation: picture.generation,
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

/** Keeps the hashes of images of earlier generations until their erasure is over. Equal images leave one row. */
function contentWrites(rows: readonly Stored<ImageRow>[]): Write[] {
  const generations = new Map(
    rows.flatMap(({ value: { content, person, group, generation } }): [string, Generation][] => {
      if (content === undefined) return [];
      const key = person === undefined ? '' : personKeyOf(group, person);
      return [[`c.${content}.${key}`, generation]];
    }),
  );
  return [...generations].map(([rowKey, generation]) => ({ kind: 'put', rowKey, value: { generation } }));
}

function changed(rowKey: string, before: Stored<unknown> | undefined, value: unknown): Write {
  return before === undefined
    ? { kind: 'insert', rowKey, value }
    : { kind: 'replace', rowKey, value, etag: before.etag };
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
  for (const [index, partition] of partitionsOf(group).entries()) {
    if (index < first) continue;
    const from = index === first && afterRow > prefix ? afterRow : prefix;
    for await (const row of table.range<Value>(partition, from, afterPrefix(prefix))) {
      if (index !== first || row.rowKey !== afterRow)
        yield { partition, row, token: `${index}${row.rowKey}` };
    }
  }
}

/** Reads one row more than `top`, to know whether there is a next page. */
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
