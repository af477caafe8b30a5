import { deferredForMs } from '../../errors/errors.ts';
import type { Group } from '../../records/groups.ts';
import { moveCursor, readCursor, type Cursor } from './cursor.ts';
import { dayMs, type ResyncOptions } from './options.ts';

const job = 'orphans';

type Options = Pick<ResyncOptions, 'orphanedPersons' | 'groups' | 'cursors' | 'now'>;

/** Deletes persons in Face that no row names: one page of one group in each run, and all groups once a day. */
export async function deleteOrphanedPersons(options: Options): Promise<void> {
  const { cursors, groups, now } = options;
  const cursor = await readCursor(cursors, job);
  // Nothing can be orphaned on the first run.
  if (cursor === undefined) return moveCursor(cursors, job, { restsUntil: now() + dayMs });
  if ((cursor.restsUntil ?? 0) > now()) return;
  const [group] = (await groups.list({ top: 1, after: cursor.next })).items;
  const next = group === undefined ? { restsUntil: now() + dayMs } : await deletePage(options, group, cursor);
  await moveCursor(cursors, job, next);
}

async function deletePage(
  { orphanedPersons }: Options,
  { group, inFace }: Group,
  cursor: Cursor,
): Promise<Cursor> {
  if (!inFace) return { next: group };
  try {
    const after = await orphanedPersons.deleteSome(group, cursor.after);
    return after === undefined ? { next: group } : { ...cursor, after };
  } catch (error) {
    // The quota is needed for other calls now.
    if (deferredForMs(error) !== undefined) return cursor;
    throw error;
  }
}
