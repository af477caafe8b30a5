import { deadLetterLifetimeSeconds } from '../../config/resources.ts';
import { moveCursor, readCursor } from './cursor.ts';
import { dayMs, type ResyncOptions } from './options.ts';

const job = 'deadLetters';

/** Drops dead letters past their lifetime, once a day: they never expire by themselves. */
export async function dropOldDeadLetters({
  deadLetters,
  cursors,
  now,
}: Pick<ResyncOptions, 'deadLetters' | 'cursors' | 'now'>): Promise<void> {
  const cursor = await readCursor(cursors, job);
  if ((cursor?.restsUntil ?? 0) > now()) return;
  await deadLetters.dropSentBefore(now() - deadLetterLifetimeSeconds * 1_000);
  await moveCursor(cursors, job, { restsUntil: now() + dayMs });
}
