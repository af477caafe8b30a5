import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * One at a time works on a folder: two would overwrite each other. The lock is the operating system's, so that it ends
 * with this process, however it ends. Gives what unlocks it.
 * @throws Error that says who has it
 */
export function lockFolder(folder: string, whoever: string): () => void {
  const file = join(folder, 'lock.sqlite');
  closeSync(openSync(file, 'a', 0o600));
  const lock = new DatabaseSync(file);
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw new Error(`another ${whoever} runs on ${folder}`, { cause: error });
  }
  return () => lock.close();
}
