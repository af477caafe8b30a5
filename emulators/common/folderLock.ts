import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * How long a start waits for the lock before it fails. A process that reads the state of the lock holds a shared lock
 * for a moment.
 */
const lockTimeoutMs = 500;
const sqliteBusy = 5;

/** `new`: no process has ever locked the folder; `free`: no process holds the lock now; `held`: a process holds it. */
export type FolderState = 'new' | 'free' | 'held';

/**
 * Locks a folder for this process, because two processes on one folder would overwrite each other's data. The lock is a
 * lock of the operating system, so that it ends with the process, even when the process is killed. Returns the function
 * that unlocks the folder. `program`: the name of the program in the error.
 * @throws Error when another process holds the lock
 */
export function lockFolder(folder: string, program: string): () => void {
  const file = toLockFile(folder);
  create(file);
  const lock = new DatabaseSync(file, { timeout: lockTimeoutMs });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw new Error(`another ${program} runs on ${folder}`, { cause: error });
  }
  return () => lock.close();
}

/** Whether a process holds the lock of a folder now. The answer is right even after the process was killed. */
export function readFolderState(folder: string): FolderState {
  const file = toLockFile(folder);
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

function toLockFile(folder: string): string {
  return join(folder, 'lock.sqlite');
}

/**
 * Creates the lock file if it does not exist. An existing file is not opened: a process that closes any handle of a
 * file loses all its locks on the file.
 */
function create(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
