import { afterPrefix, filtered, retryOnConflict, take, type Stored, type Table } from './table.ts';
import type { Page, PageQuery } from './imageRecords.ts';

export type Group = {
  group: string;
  recognitionModel: string;
  /** 0 to 1; absent: Face's own. */
  identifyThreshold?: number;
  minQuality?: 'high' | 'medium' | 'low' | 'none';
  severalFaces?: 'reject' | 'dominant' | 'largest';
  /** Rises with each change of the settings above. */
  settingsVersion: number;
  /** Rises when the group is deleted: work of an earlier life ends as removed. */
  generation: number;
  /** Rises when the group is emptied in Face: persons of an earlier epoch do not exist there any more. */
  faceGroupEpoch: number;
  /** Whether Face has the group. `leasedUntil`: an instance is creating it. */
  inFace: boolean;
  leasedUntil?: number;
  /** A creation in Face was not answered, and lands until then, if it does: nothing is deleted there before. */
  createdInFaceUntil?: number;
  /** Face may hold the group of an earlier life: it is deleted there before it is created anew. */
  isStaleInFace?: boolean;
  /** By the clock of the storage account: pictures written until then belong to an earlier life. */
  deletedAt?: number;
  /** Nothing has been dropped since, or nothing ever but probes: there is no such group. */
  isDeleted?: boolean;
  /** Erasures of earlier lives that are not over. */
  erasures?: string[];
  /** Erasures of persons that are not over and take probes too. */
  probeErasures?: string[];
  createdAt: number;
  updatedAt: number;
};

/** `faceGroupEpoch`: the epoch of the group in which Face has the person. */
type PersonName = { key: string; person: string; faceGroupEpoch: number };

export type Groups = ReturnType<typeof createGroups>;

const partition = 'groups';

/** The groups, and in a partition each the persons by the ID that Face gave them. */
export function createGroups(table: Table) {
  return {
    /** A living group. */
    async get(group: string): Promise<Group | undefined> {
      const row = await this.row(group);
      return row?.isDeleted === true ? undefined : row;
    },

    /** What is remembered of a group, living or deleted. */
    async row(group: string): Promise<Group | undefined> {
      return (await table.get<Group>(partition, group))?.value;
    },

    /** Changes the row of a group, living or deleted; `announce` comes before each attempt to write. */
    async change(
      group: string,
      transition: (group: Group | undefined) => Group | undefined,
      announce: (after: Group, before: Group | undefined) => Promise<void> = async () => undefined,
    ): Promise<Group | undefined> {
      return retryOnConflict(async () => {
        const before: Stored<Group> | undefined = await table.get<Group>(partition, group);
        const value = transition(before?.value);
        if (value === undefined || value === before?.value) return value;
        await announce(value, before?.value);
        await table.write(partition, [
          before === undefined
            ? { kind: 'insert', rowKey: group, value }
            : { kind: 'replace', rowKey: group, value, etag: before.etag },
        ]);
        return value;
      });
    },

    /** The living groups, by name. */
    async list(query: PageQuery): Promise<Page<Group>> {
      return this.listRows(query, ({ isDeleted }) => isDeleted !== true);
    },

    /** What is remembered of groups, living or deleted, by name. */
    async listRows(
      { top, after = '' }: PageQuery,
      isWanted: (group: Group) => boolean = () => true,
    ): Promise<Page<Group>> {
      const from = after === '' ? '' : `${after}\u0001`;
      const wanted = filtered(table.range<Group>(partition, from, afterPrefix('')), ({ value }) =>
        isWanted(value),
      );
      const rows = await take(wanted, top + 1);
      const next = rows.length > top ? rows[top - 1]?.value.group : undefined;
      return { items: rows.slice(0, top).map((row) => row.value), ...(next === undefined ? {} : { next }) };
    },

    /** Who is behind a person ID of Face; written before the person can be a candidate. */
    async nameFacePerson(group: string, personId: string, name: PersonName): Promise<void> {
      await table.write(facePersons(group), [{ kind: 'put', rowKey: personId, value: name }]);
    },

    /** Drops what is known of persons of Face of which this says so: a slice of them, from `after` on. */
    async dropFacePersons(
      group: string,
      { top, after = '' }: PageQuery,
      isGone: (name: PersonName) => boolean,
    ): Promise<{ dropped: number; next?: string }> {
      const rows = await take(table.range<PersonName>(facePersons(group), after, afterPrefix('')), top);
      const stale = rows.filter(({ value }) => isGone(value));
      for (let start = 0; start < stale.length; start += 100) {
        const removals = stale.slice(start, start + 100);
        await table.write(
          facePersons(group),
          removals.map(({ rowKey }) => ({ kind: 'remove', rowKey })),
        );
      }
      const last = rows.at(-1)?.rowKey;
      return rows.length < top || last === undefined
        ? { dropped: stale.length }
        : { dropped: stale.length, next: `${last}\u0001` };
    },

    async dropFacePerson(group: string, personId: string): Promise<void> {
      if ((await table.get(facePersons(group), personId)) === undefined) return;
      await table.write(facePersons(group), [{ kind: 'remove', rowKey: personId }]);
    },

    async personOfFace(group: string, personId: string): Promise<PersonName | undefined> {
      return (await table.get<PersonName>(facePersons(group), personId))?.value;
    },
  };
}

function facePersons(group: string): string {
  return `persons.${group}`;
}
