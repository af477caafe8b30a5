import { moveCursor, readCursor } from './cursor.ts';
import type { ResyncOptions } from './options.ts';

const job = 'erasures';

/** Enqueues erasures that may have stopped: one page in each run, and the first page again after the last. */
export async function enqueueOpenErasures({
  erase,
  cursors,
}: Pick<ResyncOptions, 'erase' | 'cursors'>): Promise<void> {
  const cursor = await readCursor(cursors, job);
  const next = await erase.remind(cursor?.next);
  if (next !== cursor?.next) await moveCursor(cursors, job, { next });
}
