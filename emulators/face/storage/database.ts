import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { openDatabase } from '../../common/sqlite.ts';

export type SqlValue = string | number | null | Uint8Array;
export type Row = Record<string, SqlValue>;

const schemaVersion = 3;

/** Fits eleven vectors of 320 numbers with little waste, which halves the time to read many. */
const pageBytes = 16_384;

/** The longest wait for a statement of another connection. Statements of readers take about a millisecond. */
const busyTimeoutMs = 100;
/** The longest wait of a reader for a checkpoint, which takes some milliseconds. */
const gateTimeoutMs = 1_000;

/**
 * 1 (closed) during a checkpoint, which fails while another connection reads. Readers in other threads wait for the
 * gate before each statement.
 */
export type Gate = Int32Array<SharedArrayBuffer>;

// Faces and detections have ascending keys: SQLite then fills pages in order and never moves rows, so that no copy of a
// deleted vector remains in the unused part of a page. A face without a person belongs to a face list.
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
  // SQLite gives its additional files the permissions of this one.
  if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600));
  const db = openDatabase(file, '', pageBytes);
  refuseOtherVersions(db, file);
  db.exec(`${schema} PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA user_version = ${schemaVersion};`);
  const checkpoint = new Checkpoint(db);
  // A crash may have come between a deletion and its checkpoint.
  checkpoint.run();

  const run = (sql: string) => {
    const statement = db.prepare(sql);
    return (...values: SqlValue[]): number => Number(statement.run(...values).changes);
  };
  return {
    gate: checkpoint.gate,
    run,
    one: prepareOne(db),
    all: <Found>(sql: string) => {
      const statement = db.prepare(sql);
      return (...values: SqlValue[]) => statement.all(...values) as Found[];
    },
    /** A deletion that leaves no copy of the deleted rows on the disk, in the write-ahead log neither. */
    erase: (sql: string) => {
      const erase = run(sql);
      return (...values: SqlValue[]): number => {
        const changes = erase(...values);
        if (changes > 0) checkpoint.request();
        checkpoint.run();
        return changes;
      };
    },
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

/** Empties the write-ahead log, which holds copies of deleted rows, while the gate is closed to readers. */
class Checkpoint {
  readonly gate: Gate = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #truncate: StatementSync;
  /** The last checkpoint failed because of a reader, or a deletion came since. */
  #isPending = true;

  constructor(db: DatabaseSync) {
    this.#truncate = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  request(): void {
    this.#isPending = true;
  }

  run(): void {
    if (!this.#isPending) return;
    Atomics.store(this.gate, 0, 1);
    try {
      this.#isPending = this.#truncate.get()?.['busy'] !== 0;
    } finally {
      Atomics.store(this.gate, 0, 0);
      Atomics.notify(this.gate, 0);
    }
  }
}

/** A read-only connection for another thread. */
export function openReader(file: string, gate: Gate) {
  const db = new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs });
  const one = prepareOne(db);
  return {
    one: <Found>(sql: string) => {
      const found = one<Found>(sql);
      return (...values: SqlValue[]) => {
        // After the timeout the reader reads anyway, and the log is emptied by a later checkpoint.
        Atomics.wait(gate, 0, 1, gateTimeoutMs);
        return found(...values);
      };
    },
    close: () => db.close(),
  };
}

function prepareOne(db: DatabaseSync) {
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
