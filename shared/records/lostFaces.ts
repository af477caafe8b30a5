import { afterPrefix, take, type Table } from './table.ts';

const partition = 'lost';

export type LostFaces = ReturnType<typeof createLostFaces>;

/** Groups of which Face has lost faces, and how far the resync has come in enrolling them anew. */
export function createLostFaces(table: Table) {
  return {
    /** Faces of this group are gone: all its pictures are to be looked at, from the first. */
    async note(group: string): Promise<void> {
      await table.write(partition, [{ kind: 'put', rowKey: group, value: {} }]);
    },

    async list(top: number): Promise<{ group: string; after: string | undefined; etag: string }[]> {
      const rows = await take(table.range<{ after?: string }>(partition, '', afterPrefix('')), top);
      return rows.map(({ rowKey, value, etag }) => ({ group: rowKey, after: value.after, etag }));
    },

    /** The resync has come so far, or to the end. @throws WriteConflict when faces were lost meanwhile */
    async advance(group: string, etag: string, after: string | undefined): Promise<void> {
      await table.write(partition, [
        after === undefined
          ? { kind: 'remove', rowKey: group, etag }
          : { kind: 'replace', rowKey: group, value: { after }, etag },
      ]);
    },
  };
}
