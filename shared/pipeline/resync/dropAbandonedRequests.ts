import { moveCursor, readCursor } from './cursor.ts';
import { pageOf, type ResyncOptions } from './options.ts';

const job = 'claims';

/** Drops idempotency records of requests that died before they answered: one page of one group in each run. */
export async function dropAbandonedRequests({
  claims,
  groups,
  cursors,
}: Pick<ResyncOptions, 'claims' | 'groups' | 'cursors'>): Promise<void> {
  const cursor = await readCursor(cursors, job);
  const { items, next } = await groups.list({ top: 1, after: cursor?.next });
  const [group] = items;
  if (group === undefined) return moveCursor(cursors, job, {});
  const query = { top: pageOf.expired, after: cursor?.after };
  const page = await claims.forget(group.group, query, claims.isAbandoned);
  await moveCursor(
    cursors,
    job,
    page.next === undefined ? { next } : { next: cursor?.next, after: page.next },
  );
}
