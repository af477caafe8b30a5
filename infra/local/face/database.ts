import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../sqlite.ts';

export type SqlValue = string | number | null | Uint8Array;
export type Row = Record<string, SqlValue>;

const schemaVersion = 2;

// Faces and detections are kept in the order of their arrival: pages are then filled and never shuffled, so that no
// copy of a deleted vector stays in the unused part of a page. A face without a person would be one of a face list.
const schema = `
  PRAGMA secure_delete = ON;
  PRAGMA foreign_keys = ON;
  CREATE TABLE IF NOT EXISTS collections (
    key INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, userData TEXT,
    recognitionModel TEXT NOT NULL, persons INTEGER NOT NULL DEFAULT 0, UNIQUE (kind, id));
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
  CREATE INDEX IF NOT EXISTS facesInOrder ON faces (collection, trained);
  CREATE TABLE IF NOT EXISTS trainings (
    collection INTEGER PRIMARY KEY REFERENCES collections ON DELETE CASCADE, status TEXT NOT NULL,
    createdAt INTEGER NOT NULL, lastActionAt INTEGER NOT NULL, lastSuccessAt INTEGER, message TEXT,
    upTo INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS detections (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, faceId TEXT NOT NULL UNIQUE, recognitionModel TEXT NOT NULL,
    vector BLOB NOT NULL, expiresAt INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS detectionsExpiry ON detections (expiresAt);
  CREATE TABLE IF NOT EXISTS months (month INTEGER PRIMARY KEY, calls INTEGER NOT NULL);
`;

/** @throws Error when the file was written by another version */
export function openFaceDatabase(file: string) {
  const db = openDatabase(file, '');
  refuseOtherVersions(db, file);
  db.exec(`${schema} PRAGMA user_version = ${schemaVersion};`);

  const run = (sql: string) => {
    const statement = db.prepare(sql);
    return (...values: SqlValue[]): number => Number(statement.run(...values).changes);
  };
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)');

  return {
    run,
    one: <Found>(sql: string) => {
      const statement = db.prepare(sql);
      return (...values: SqlValue[]) => statement.get(...values) as Found | undefined;
    },
    all: <Found>(sql: string) => {
      const statement = db.prepare(sql);
      return (...values: SqlValue[]) => statement.all(...values) as Found[];
    },
    /** A deletion after which what was deleted is nowhere on the disk, the write-ahead log included. */
    erase: (sql: string) => {
      const erase = run(sql);
      return (...values: SqlValue[]): number => {
        const changes = erase(...values);
        if (changes > 0) checkpoint.get();
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

function refuseOtherVersions(db: DatabaseSync, file: string): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  const { tables } = db.prepare('SELECT COUNT(*) AS tables FROM sqlite_schema').get() ?? {};
  if (version === schemaVersion || Number(tables) === 0) return;
  db.close();
  throw new Error(
    `${file} was written by another version (schema ${version}, this one is ${schemaVersion}); start with an empty folder`,
  );
}

export function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

export function vectorOf(row: Row): Float32Array {
  // A copy: SQLite's bytes need not be aligned.
  return new Float32Array(new Uint8Array(row['vector'] as Uint8Array).buffer);
}
