import { afterPrefix, filtered, retryOnConflict, take, type Stored, type Table } from './table.ts';
import type { Page, PageQuery } from './imageRecords.ts';

export type Group = {
  group: string;
  recognitionModel: string;
  /** 0 to 1; absent: Face's default. */
  identifyThreshold?: number;
  minQuality?: 'high' | 'medium' | 'low' | 'none';
  severalFaces?: 'reject' | 'dominant' | 'largest';
  /** Incremented by each change of the settings above. */
  settingsVersion: number;
  /** Incremented when the group is deleted: images of an earlier generation end as `removed`. */
  generation: number;
  /** Incremented when the group is emptied in Face: people of an earlier epoch no longer exist in Face. */
  faceGroupEpoch: number;
  /** Whether Face has the group. `leasedUntil`: until this time an instance holds the lease to create it. */
  inFace: boolean;
  leasedUntil?: number;
  /**
   * A creation of the group in Face was not answered and may take effect until this time; the group is not deleted in
   * Face before this time.
   */
  createdInFaceUntil?: number;
  /** Face may hold the group of an earlier generation: that group is deleted in Face before a new one is created. */
  isStaleInFace?: boolean;
  /** By the clock of the storage account: images written until this time belong to an earlier generation. */
  deletedAt?: number;
  /** The group does not exist: nothing was uploaded since its deletion, or only probes were ever uploaded. */
  isDeleted?: boolean;
  /** IDs of unfinished erasures of earlier generations. */
  erasures?: string[];
  /** IDs of unfinished erasures of people that also erase probes. */
  probeErasures?: string[];
  createdAt: number;
  updatedAt: number;
};

/** The person behind a person ID of Face. `faceGroupEpoch`: the group epoch in which Face has the person. */
type PersonName = { key: string; person: string; faceGroupEpoch: number };

export type Groups = ReturnType<typeof createGroups>;

const partition = 'groups';

/** The rows of groups in one partition, and in one partition per group its people by their person ID in Face. */
export function createGroups(table: Table) {
  return {
    /** The row of an existing group; undefined when the group is deleted. */
    async get(group: string): Promise<Group | undefined> {
      const row = await this.row(group);
      return row?.isDeleted === true ? undefined : row;
    },

    /** The row of a group, existing or deleted. */
    async row(group: string): Promise<Group | undefined> {
      return (await table.get<Group>(partition, group))?.value;
    },

    /** Changes the row of a group, existing or deleted; `announce` is called before each attempt to write. */
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

    /** One page of the existing groups, in order of name. */
    async list(query: PageQuery): Promise<Page<Group>> {
      return this.listRows(query, ({ isDeleted }) => isDeleted !== true);
    },

    /** One page of the rows of groups, existing or deleted, in order of name. */
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

    /** Records the person behind a person ID of Face; to be called before Face can return the ID as a candidate. */
    async nameFacePerson(group: string, personId: string, name: PersonName): Promise<void> {
      await table.write(facePersons(group), [{ kind: 'put', rowKey: personId, value: name }]);
    },

    /** Reads one page of person IDs of Face, starting at `after`, and deletes the rows for which `isGone` is true. */
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
