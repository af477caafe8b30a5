import { DatabaseSync } from 'node:sqlite';

/**
 * Opens a database with a write-ahead log: what a call has written survives the death of the process at any moment.
 * Against a loss of power it is whole, but may lack the last moments.
 */
export function openDatabase(file: string, schema: string): DatabaseSync {
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${schema}`);
  return db;
}
