import { countPeople, moved, noCounts, type Counts } from './counters.ts';
import { groupGenerationOf, nextGeneration, type Generation } from './generation.ts';
import type { Group } from './groups.ts';
import type { ImageRecord } from './image.ts';
import { hasFace } from './imageRows.ts';
import { toPartition } from './keys.ts';
import type { AlsoWrites, Table } from './table.ts';

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

/** A group in its present generation. */
export type Living = Pick<Group, 'group' | 'generation'>;

export function toPersonRow(key: string): string {
  return `p.${key}`;
}

/** The row that marks a person whose earlier generation is being erased. */
export function toErasingRow(key: string): string {
  return `d.${key}`;
}

export function isAlive(person: Person, { generation }: Living): boolean {
  return person.isDeleted !== true && groupGenerationOf(person.generation) === generation;
}

/** Whether lists show the person: a person without images is left out. */
export function isListed({ isDeleted, images }: Person): boolean {
  return (
    isDeleted !== true && Object.entries(images).some(([state, count]) => state !== 'removed' && count > 0)
  );
}

/** The person of an image, in the generation of the image, with the image counted as it is now. */
export function withImage(
  person: Person | undefined,
  key: string,
  before: ImageRecord | undefined,
  after: ImageRecord,
  now: number,
): Person {
  const known = toPersonInGeneration(after, key, person, now);
  const from = before?.generation === after.generation ? before : undefined;
  return {
    ...known,
    images: moved(known.images, from?.state, after.state),
    faces: known.faces + Number(hasFace(after)) - Number(hasFace(from)),
  };
}

function toPersonInGeneration(
  image: ImageRecord,
  key: string,
  person: Person | undefined,
  now: number,
): Person {
  const { person: name = '', group, generation } = image;
  const born: Person = { person: name, key, group, generation, images: noCounts(), faces: 0, createdAt: now };
  if (person === undefined) return born;
  const { isDeleted = false, ...rest } = person;
  if (rest.generation === generation) return isDeleted ? { ...rest, person: name, createdAt: now } : rest;
  const { deletedAt, erasures } = rest;
  return {
    ...born,
    ...(deletedAt !== undefined && { deletedAt }),
    ...(erasures !== undefined && { erasures }),
  };
}

export async function loadPerson(table: Table, group: Living, key: string): Promise<Person | undefined> {
  const person = await loadPersonRow(table, group.group, key);
  return person !== undefined && isAlive(person, group) ? person : undefined;
}

async function loadPersonRow(table: Table, group: string, key: string): Promise<Person | undefined> {
  return (await table.get<Person>(toPartition(group, key), toPersonRow(key)))?.value;
}

/** The rows of people: who is there, and the end of a generation of a person. */
export function createPeople(table: Table) {
  const update = (
    group: string,
    key: string,
    transition: (person: Person) => Person | undefined,
    alsoWrites?: AlsoWrites<Person>,
  ) => table.update(toPartition(group, key), toPersonRow(key), (row) => row && transition(row), alsoWrites);

  return {
    /** A person that is not deleted, of the present generation of its group. */
    person: (group: Living, key: string) => loadPerson(table, group, key),

    /** The row of a person, deleted or not. */
    personRow: (group: string, key: string) => loadPersonRow(table, group, key),

    /** Changes the row of a person, if there is one. */
    changePerson: async (group: string, key: string, transition: (person: Person) => Person | undefined) =>
      (await update(group, key, transition)).after,

    /**
     * Ends the generation of a person in one write: no later answer names the person. False when there is no such
     * person, or its generation began after `deletedAt`.
     */
    async deletePerson(group: Living, key: string, erasure: string, deletedAt: number): Promise<boolean> {
      const { after } = await update(
        group.group,
        key,
        (person) => deleted(person, group, erasure, deletedAt),
        async ({ generation }, before) => [
          await countPeople(table, toPartition(group.group, key), before && isListed(before) ? -1 : 0),
          { kind: 'put', rowKey: toErasingRow(key), value: { generation } },
        ],
      );
      return after !== undefined;
    },

    /**
     * Closes the erasures of a person: the row of a deleted person keeps a hash of the name and the generation. False
     * when the person was deleted again since.
     */
    async personErased(seen: Person): Promise<boolean> {
      const { before, after } = await update(
        seen.group,
        seen.key,
        (person) => erased(person, seen),
        async () => [{ kind: 'remove', rowKey: toErasingRow(seen.key) }],
      );
      return before === undefined || after !== undefined;
    },

    /** Drops the row of a person deleted at `deletedAt`, unless the person came back or was deleted again. */
    async dropTombstone(group: string, key: string, deletedAt: number): Promise<void> {
      await table.remove<Person>(
        toPartition(group, key),
        toPersonRow(key),
        (person) => isClosed(person) && person.deletedAt === deletedAt,
      );
    },
  };
}

/** Whether the person was deleted, and its erasures are over. */
function isClosed({ isDeleted, erasures }: Person): boolean {
  return isDeleted === true && erasures === undefined;
}

/** Begins the next generation of a person; undefined when the erasure does not cover the present one. */
function deleted(person: Person, group: Living, erasure: string, deletedAt: number): Person | undefined {
  const { personId, faceGroupEpoch: _faceGroupEpoch, erasures, ...rest } = person;
  if (erasures?.ids.includes(erasure) === true) return person;
  if (!isAlive(person, group) || deletedAt <= (person.deletedAt ?? -1)) return undefined;
  return {
    ...rest,
    generation: nextGeneration(rest.generation),
    images: noCounts(),
    faces: 0,
    isDeleted: true,
    deletedAt,
    erasures: {
      ids: [...(erasures?.ids ?? []), erasure],
      personIds: [...(erasures?.personIds ?? []), ...(personId === undefined ? [] : [personId])],
    },
  };
}

/** Ends the erasures of a person; undefined when the person was deleted again since it was seen. */
function erased(person: Person, seen: Person): Person | undefined {
  const { erasures, ...rest } = person;
  if (erasures === undefined) return person;
  const isAsSeen = erasures.ids.join() === seen.erasures?.ids.join() && person.deletedAt === seen.deletedAt;
  if (!isAsSeen) return undefined;
  return rest.isDeleted === true ? { ...rest, person: '' } : rest;
}
