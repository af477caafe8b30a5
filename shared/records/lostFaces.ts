import { afterPrefix, take } from './ranges.ts';
import type { Table } from './table.ts';

const partition = 'lost';

export type LostFaces = ReturnType<typeof createLostFaces>;

/** Groups that have lost faces in Face, and how far the resync has come in enrolling the lost faces again. */
export function createLostFaces(table: Table) {
  return {
    /** Records that faces of this group are gone: the resync reconciles all its images, from the first one. */
    async note(group: string): Promise<void> {
      await table.write(partition, [{ kind: 'put', rowKey: group, value: {} }]);
    },

    async list(top: number): Promise<{ group: string; after: string | undefined; etag: string }[]> {
      const rows = await take(table.range<{ after?: string }>(partition, '', afterPrefix('')), top);
      return rows.map(({ rowKey, value, etag }) => ({ group: rowKey, after: value.after, etag }));
    },

    /**
     * Records how far the resync has come; `after` undefined: the group is done and its row is deleted.
     * @throws WriteConflict when more faces were lost meanwhile
     */
    async advance(group: string, etag: string, after: string | undefined): Promise<void> {
      await table.write(partition, [
        after === undefined
          ? { kind: 'remove', rowKey: group, etag }
          : { kind: 'replace', rowKey: group, value: { after }, etag },
      ]);
    },
  };
}
