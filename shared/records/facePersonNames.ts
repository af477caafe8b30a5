import { prefixed, type PageQuery, type Range } from './ranges.ts';
import type { Table } from './table.ts';

/** The person behind a person ID of Face. `faceGroupEpoch`: the group epoch in which Face has the person. */
type PersonName = { key: string; person: string; faceGroupEpoch: number };

/** The people of each group by their person ID in Face. */
export function createFacePersonNames(table: Table) {
  return {
    /** Records the person behind a person ID of Face; to be called before Face can return the ID as a candidate. */
    async nameFacePerson(group: string, personId: string, name: PersonName): Promise<void> {
      await table.write(allOf(group).partition, [{ kind: 'put', rowKey: personId, value: name }]);
    },

    async personOfFace(group: string, personId: string): Promise<PersonName | undefined> {
      return (await table.get<PersonName>(allOf(group).partition, personId))?.value;
    },

    dropFacePerson: (group: string, personId: string): Promise<void> =>
      table.remove(allOf(group).partition, personId),

    /** Reads one page of person IDs of Face, and deletes the rows for which `isGone` is true. */
    async dropFacePersons(
      group: string,
      page: PageQuery,
      isGone: (name: PersonName) => boolean,
    ): Promise<{ next?: string }> {
      return table.deleteWhere<PersonName>(allOf(group), page, ({ value }) => isGone(value));
    },
  };
}

function allOf(group: string): Range {
  return prefixed(`persons.${group}`, '');
}
