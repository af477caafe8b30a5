import { moveCursor, readCursor } from './cursor.ts';
import { pageOf, type ResyncOptions } from './options.ts';

const job = 'idempotencyRecords';

/** Drops idempotency records of requests that died before they answered: one page of one group in each run. */
export async function dropAbandonedRequests({
  idempotencyRecords,
  groups,
  cursors,
}: Pick<ResyncOptions, 'idempotencyRecords' | 'groups' | 'cursors'>): Promise<void> {
  const cursor = await readCursor(cursors, job);
  const { items, next } = await groups.list({ top: 1, after: cursor?.next });
  const [group] = items;
  if (group === undefined) return moveCursor(cursors, job, {});
  const query = { top: pageOf.expired, after: cursor?.after };
  const page = await idempotencyRecords.forget(group.group, query, idempotencyRecords.isAbandoned);
  await moveCursor(
    cursors,
    job,
    page.next === undefined ? { next } : { next: cursor?.next, after: page.next },
  );
}
