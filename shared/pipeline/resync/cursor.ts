import type { Table } from '../../records/table.ts';

/**
 * Where a job continues in its next run. `next`: the group, blob or erasure; `after`: the row in it; neither: the
 * start.
 */
export type Cursor = { next?: string | undefined; after?: string | undefined; restsUntil?: number };

export async function readCursor(cursors: Table, job: string): Promise<Cursor | undefined> {
  return (await cursors.get<Cursor>('cursors', job))?.value;
}

export async function moveCursor(cursors: Table, job: string, value: Cursor): Promise<void> {
  await cursors.write('cursors', [{ kind: 'put', rowKey: job, value }]);
}
