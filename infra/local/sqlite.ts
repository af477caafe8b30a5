import { DatabaseSync } from 'node:sqlite';

/**
 * Opens a database with a write-ahead log: what a call has written survives the death of the process at any moment.
 * Against a loss of power it is whole, but may lack the last moments.
 * `pageBytes` holds for a file that is new.
 */
export function openDatabase(file: string, schema: string, pageBytes = 4_096): DatabaseSync {
  const db = new DatabaseSync(file);
  db.exec(
    `PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${schema}`,
  );
  return db;
}
