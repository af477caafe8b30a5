import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../../common/sqlite.ts';

export type SqlValue = string | number | null | Uint8Array;
export type Row = Record<string, SqlValue>;

const schemaVersion = 3;

/** Eleven vectors of 320 numbers fit, and little is left over: half the time to read many. */
const pageBytes = 16_384;

/** How long a statement waits for one of another connection: those of readers take about a millisecond. */
const waitAtMostMs = 100;
/** How long a reader waits for the log to be emptied, which takes some milliseconds. */
const gateAtMostMs = 1_000;

/**
 * Closed (1) while the write-ahead log is emptied, which nobody may read meanwhile: threads that read wait here before
 * each statement.
 */
export type Gate = Int32Array<SharedArrayBuffer>;

// Faces and detections are kept in the order of their arrival: pages are then filled and never shuffled, so that no
// copy of a deleted vector stays in the unused part of a page. A face without a person is one of a face list.
const schema = `
  PRAGMA foreign_keys = ON;
  CREATE TABLE IF NOT EXISTS collections (
    key INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, userData TEXT,
    recognitionModel TEXT NOT NULL, persons INTEGER NOT NULL DEFAULT 0, faces INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, id));
  CREATE TABLE IF NOT EXISTS persons (
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE, id TEXT NOT NULL, name TEXT NOT NULL,
    userData TEXT, PRIMARY KEY (collection, id)) WITHOUT ROWID;
  CREATE TRIGGER IF NOT EXISTS personAdded AFTER INSERT ON persons
    BEGIN UPDATE collections SET persons = persons + 1 WHERE key = NEW.collection; END;
  CREATE TRIGGER IF NOT EXISTS personDeleted AFTER DELETE ON persons
    BEGIN UPDATE collections SET persons = persons - 1 WHERE key = OLD.collection; END;
  CREATE TABLE IF NOT EXISTS faces (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
    personId TEXT, id TEXT NOT NULL, userData TEXT, trained INTEGER NOT NULL DEFAULT 0, vector BLOB NOT NULL,
    UNIQUE (collection, personId, id),
    FOREIGN KEY (collection, personId) REFERENCES persons ON DELETE CASCADE);
  CREATE TRIGGER IF NOT EXISTS faceAdded AFTER INSERT ON faces
    BEGIN UPDATE collections SET faces = faces + 1 WHERE key = NEW.collection; END;
  CREATE TRIGGER IF NOT EXISTS faceDeleted AFTER DELETE ON faces
    BEGIN UPDATE collections SET faces = faces - 1 WHERE key = OLD.collection; END;
  CREATE INDEX IF NOT EXISTS facesInOrder ON faces (collection, trained);
  CREATE TABLE IF NOT EXISTS trainings (
    collection INTEGER PRIMARY KEY REFERENCES collections ON DELETE CASCADE, status TEXT NOT NULL,
    createdAt INTEGER NOT NULL, lastActionAt INTEGER NOT NULL, lastSuccessAt INTEGER, message TEXT,
    upTo INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS detections (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, faceId TEXT NOT NULL UNIQUE, recognitionModel TEXT NOT NULL,
    vector BLOB NOT NULL, expiresAt INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS detectionsExpiry ON detections (expiresAt);
  CREATE TABLE IF NOT EXISTS encryption (sample BLOB);
  CREATE TABLE IF NOT EXISTS months (month INTEGER PRIMARY KEY, calls INTEGER NOT NULL);
`;

/** @throws Error when the file was written by another version */
export function openFaceDatabase(file: string) {
  // SQLite gives its other files the permissions of the first.
  if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600));
  const db = openDatabase(file, '', pageBytes);
  refuseOtherVersions(db, file);
  db.exec(`${schema} PRAGMA busy_timeout = ${waitAtMostMs}; PRAGMA user_version = ${schemaVersion};`);
  const gate: Gate = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

  const run = (sql: string) => {
    const statement = db.prepare(sql);
    return (...values: SqlValue[]): number => Number(statement.run(...values).changes);
  };
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
  /** A deletion waits in the log, since somebody reads. */
  let waiting = true;
  /** Empties the write-ahead log, and with it what was deleted. */
  const settle = (): void => {
    if (!waiting) return;
    Atomics.store(gate, 0, 1);
    try {
      waiting = checkpoint.get()?.['busy'] !== 0;
    } finally {
      Atomics.store(gate, 0, 0);
      Atomics.notify(gate, 0);
    }
  };
  // A kill may have come between a deletion and its checkpoint.
  settle();

  return {
    gate,
    run,
    one: oneOf(db),
    all: <Found>(sql: string) => {
      const statement = db.prepare(sql);
      return (...values: SqlValue[]) => statement.all(...values) as Found[];
    },
    /** A deletion after which what was deleted is nowhere on the disk, the write-ahead log included. */
    erase: (sql: string) => {
      const erase = run(sql);
      return (...values: SqlValue[]): number => {
        const changes = erase(...values);
        waiting ||= changes > 0;
        settle();
        return changes;
      };
    },
    settle,
    transaction(work: () => void): void {
      db.exec('BEGIN');
      try {
        work();
        db.exec('COMMIT');
      } catch (error) {
        db.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => db.close(),
  };
}

export type FaceDatabase = ReturnType<typeof openFaceDatabase>;

/** Reads in a thread of its own, while another writes. */
export function openReader(file: string, gate: Gate) {
  const db = new DatabaseSync(file, { readOnly: true, timeout: waitAtMostMs });
  const one = oneOf(db);
  return {
    one: <Found>(sql: string) => {
      const found = one<Found>(sql);
      return (...values: SqlValue[]) => {
        // Who reads all the same only lets the log be emptied a little later.
        Atomics.wait(gate, 0, 1, gateAtMostMs);
        return found(...values);
      };
    },
    close: () => db.close(),
  };
}

function oneOf(db: DatabaseSync) {
  return <Found>(sql: string) => {
    const statement = db.prepare(sql);
    return (...values: SqlValue[]) => statement.get(...values) as Found | undefined;
  };
}

function refuseOtherVersions(db: DatabaseSync, file: string): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  const { tables } = db.prepare('SELECT COUNT(*) AS tables FROM sqlite_schema').get() ?? {};
  if (version === schemaVersion || Number(tables) === 0) return;
  db.close();
  throw new Error(
    `${file} was written by another version (schema ${version}, this one is ${schemaVersion}); start with an empty folder`,
  );
}
