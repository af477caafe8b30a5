import { DatabaseSync } from 'node:sqlite';

const emptiedEveryMs = 5_000;

/**
 * Opens a database with a write-ahead log. Completed writes survive a crash of the process at any moment. After a loss
 * of power the database is consistent, but the last writes may be missing. Deleted data is overwritten. `pageBytes`
 * applies only to a new file.
 */
export function openDatabase(file: string, schema: string, pageBytes = 4_096): DatabaseSync {
  const db = new DatabaseSync(file);
  db.exec(
    `PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
     PRAGMA secure_delete = ON; ${schema}`,
  );
  return db;
}

/**
 * Empties the write-ahead log every 5 seconds if the database was changed, because the log still holds data that was
 * deleted from the database. No other connection may read the database: the log cannot be emptied during a read.
 */
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
