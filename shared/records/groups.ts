import { afterPrefix, retryOnConflict, take, type Stored, type Table } from './table.ts';
import type { Page, PageQuery } from './ledger.ts';

export type Group = {
  group: string;
  recognitionModel: string;
  /** 0 to 1; absent: Face's own. */
  identifyThreshold?: number;
  minQuality?: 'high' | 'medium' | 'low' | 'none';
  severalFaces?: 'reject' | 'largest';
  /** Rises when the group is deleted: work of an earlier life ends as removed. */
  generation: number;
  /** Rises when the group is emptied in Face: persons of an earlier incarnation are gone there. */
  incarnation: number;
  /** Whether Face has the group. `claimedUntil`: an instance is creating it. */
  inFace: boolean;
  claimedUntil?: number;
  createdAt: number;
  updatedAt: number;
};

type PersonName = { key: string; person: string };

export type Groups = ReturnType<typeof createGroups>;

const partition = 'groups';

/** The groups, and in a partition each the persons by the ID that Face gave them. */
export function createGroups(table: Table) {
  return {
    async get(group: string): Promise<Group | undefined> {
      return (await table.get<Group>(partition, group))?.value;
    },

    async change(
      group: string,
      transition: (group: Group | undefined) => Group | undefined,
    ): Promise<Group | undefined> {
      return retryOnConflict(async () => {
        const before: Stored<Group> | undefined = await table.get<Group>(partition, group);
        const value = transition(before?.value);
        if (value === undefined || value === before?.value) return value;
        await table.write(partition, [
          before === undefined
            ? { kind: 'insert', rowKey: group, value }
            : { kind: 'replace', rowKey: group, value, etag: before.etag },
        ]);
        return value;
      });
    },

    async list({ top, after = '' }: PageQuery): Promise<Page<Group>> {
      const from = after === '' ? '' : `${after}\u0001`;
      const rows = await take(table.range<Group>(partition, from, afterPrefix('')), top + 1);
      const next = rows.length > top ? rows[top - 1]?.value.group : undefined;
      return { items: rows.slice(0, top).map((row) => row.value), ...(next === undefined ? {} : { next }) };
    },

    /** Who is behind a person ID of Face; written before the person can be a candidate. */
    async nameFacePerson(group: string, personId: string, name: PersonName): Promise<void> {
      await table.write(facePersons(group), [{ kind: 'put', rowKey: personId, value: name }]);
    },

    async personOfFace(group: string, personId: string): Promise<PersonName | undefined> {
      return (await table.get<PersonName>(facePersons(group), personId))?.value;
    },
  };
}

function facePersons(group: string): string {
  return `persons.${group}`;
}
