import { DatabaseSync } from 'node:sqlite';

const emptiedEveryMs = 5_000;

/**
 * Opens a database with a write-ahead log: what a call has written survives the death of the process at any moment.
 * Against a loss of power it is whole, but may lack the last moments.
 * What is deleted is overwritten.
 * `pageBytes` holds for a file that is new.
 */
export function openDatabase(file: string, schema: string, pageBytes = 4_096): DatabaseSync {
  const db = new DatabaseSync(file);
  db.exec(
    `PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
     PRAGMA secure_delete = ON; ${schema}`,
  );
  return db;
}

/** Empties the write-ahead log a while after each change: it would keep what was deleted. Nobody else may read. */
export function emptyLogOften(db: DatabaseSync): void {
  const changes = db.prepare('SELECT total_changes() AS changes');
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
  let emptiedAt: unknown;
  const timer = setInterval(() => {
    if (!db.isOpen) return clearInterval(timer);
    const changed = changes.get()?.['changes'];
    if (db.isTransaction || changed === emptiedAt) return;
    if (checkpoint.get()?.['busy'] === 0) emptiedAt = changed;
  }, emptiedEveryMs).unref();
}
