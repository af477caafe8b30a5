import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Whoever asks for the state of a lock holds a share of it for a moment: a start waits that long before it gives up. */
const patienceMs = 500;
const sqliteBusy = 5;

/** What is known of who works on a folder: nobody ever has, nobody does now, or somebody does. */
export type FolderState = 'new' | 'free' | 'held';

/**
 * One at a time works on a folder: two would overwrite each other. The lock is the operating system's, so that it ends
 * with this process, however it ends. Gives what unlocks it.
 * @throws Error that says who has it
 */
export function lockFolder(folder: string, whoever: string): () => void {
  const file = lockFileOf(folder);
  create(file);
  const lock = new DatabaseSync(file, { timeout: patienceMs });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw new Error(`another ${whoever} runs on ${folder}`, { cause: error });
  }
  return () => lock.close();
}

/** Whether somebody works on a folder now: also the truth after a kill. */
export function readFolderState(folder: string): FolderState {
  const file = lockFileOf(folder);
  if (!existsSync(file)) return 'new';
  const lock = new DatabaseSync(file, { readOnly: true });
  try {
    lock.exec('SELECT 1 FROM sqlite_schema');
    return 'free';
  } catch (error) {
    if ((error as { errcode?: number }).errcode === sqliteBusy) return 'held';
    throw error;
  } finally {
    lock.close();
  }
}

function lockFileOf(folder: string): string {
  return join(folder, 'lock.sqlite');
}

/** A file that is there stays closed: a process that closes a file gives up all its locks on it. */
function create(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
