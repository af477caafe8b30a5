import { openFaceDatabase, type FaceDatabase, type Row } from './database.ts';
import { createVectorCipher, plain, type VectorCipher } from './vectorCipher.ts';
import type { VectorSource } from './vectorPages.ts';
import { prepareFaces } from './faces.ts';
import type { RecognitionModel } from '../contract/vision.ts';

export type StoredCollection = {
  /** Never reused: a collection that is created again under the same ID has another key. */
  key: number;
  id: string;
  name: string;
  userData: string | null;
  recognitionModel: RecognitionModel;
  /** The number of persons. */
  persons: number;
  /** The number of faces, with the faces of persons. */
  faces: number;
};
export type StoredPerson = { id: string; name: string; userData: string | null };
export type StoredDetection = { recognitionModel: RecognitionModel; vector: Float32Array };
export type NewDetection = StoredDetection & { faceId: string; expiresAt: number };
export type StoredTraining = {
  status: 'running' | 'succeeded' | 'failed';
  createdAt: number;
  lastActionAt: number;
  lastSuccessAt: number | null;
  message: string | null;
  /** The newest face that this training covers. */
  upTo: number;
};

/**
 * The data of the service in SQLite with a write-ahead log: an answered change survives a crash, and deleted data is
 * overwritten. `personId` is null for the faces of lists. A face is searchable once its row is marked as trained.
 */
export function openFaceStore(file: string, key?: Uint8Array) {
  const db = openFaceDatabase(file);
  const cipher = openCipher(db, file, key);
  return {
    ...prepareCollections(db),
    ...preparePersons(db),
    ...prepareFaces(db, cipher),
    ...prepareTrainings(db),
    ...prepareDetections(db, cipher),
    ...prepareMonths(db),
    /** For readers in other threads; undefined for a database in memory, which has no file. */
    source: file === ':memory:' ? undefined : ({ file, gate: db.gate, key } satisfies VectorSource),
    close: db.close,
  };
}

/** The first start decides whether vectors are encrypted, and with which key. @throws Error for any other choice */
function openCipher(db: FaceDatabase, file: string, key: Uint8Array | undefined): VectorCipher {
  const cipher = key === undefined ? plain : createVectorCipher(key);
  const sampleId = 'sample';
  const kept = db.one<{ sample: Uint8Array | null }>('SELECT sample FROM encryption')();
  if (kept === undefined) {
    const sample = key === undefined ? null : cipher.seal(new Float32Array(1), sampleId);
    db.run('INSERT INTO encryption VALUES (?)')(sample);
    return cipher;
  }
  const { sample } = kept;
  try {
    if (sample !== null && key !== undefined) cipher.open(sample, sampleId);
  } catch (error) {
    db.close();
    throw new Error(`FACE_DATA_KEY is not the key that the vectors in ${file} were encrypted with`, {
      cause: error,
    });
  }
  if ((sample === null) === (key === undefined)) return cipher;
  db.close();
  throw new Error(
    sample === null
      ? `the vectors in ${file} are not encrypted: start without FACE_DATA_KEY, or with an empty folder`
      : `the vectors in ${file} are encrypted: set FACE_DATA_KEY to their key`,
  );
}

export type FaceStore = ReturnType<typeof openFaceStore>;

const collectionColumns = 'key, id, name, userData, recognitionModel, persons, faces';

function prepareCollections(db: FaceDatabase) {
  const totals = db.one<{ collections: number; persons: number }>(
    'SELECT COUNT(*) AS collections, COALESCE(SUM(persons), 0) AS persons FROM collections WHERE kind = ?',
  );
  return {
    collection: db.one<StoredCollection>(
      `SELECT ${collectionColumns} FROM collections WHERE kind = ? AND id = ?`,
    ),
    collections: db.all<StoredCollection>(
      `SELECT ${collectionColumns} FROM collections WHERE kind = ? AND id > ? ORDER BY id LIMIT ?`,
    ),
    totals: (kind: string) => totals(kind) ?? { collections: 0, persons: 0 },
    addCollection: db.run(
      'INSERT INTO collections (kind, id, name, userData, recognitionModel) VALUES (?, ?, ?, ?, ?)',
    ),
    updateCollection: db.run('UPDATE collections SET name = ?, userData = ? WHERE key = ?'),
    deleteCollection: db.erase('DELETE FROM collections WHERE key = ?'),
  };
}

function preparePersons(db: FaceDatabase) {
  return {
    person: db.one<StoredPerson>('SELECT id, name, userData FROM persons WHERE collection = ? AND id = ?'),
    persons: db.all<StoredPerson>(
      'SELECT id, name, userData FROM persons WHERE collection = ? AND id > ? ORDER BY id LIMIT ?',
    ),
    addPerson: db.run('INSERT INTO persons (collection, id, name, userData) VALUES (?, ?, ?, ?)'),
    updatePerson: db.run('UPDATE persons SET name = ?, userData = ? WHERE collection = ? AND id = ?'),
    deletePerson: db.erase('DELETE FROM persons WHERE collection = ? AND id = ?'),
  };
}

function prepareTrainings(db: FaceDatabase) {
  const write = db.run('INSERT OR REPLACE INTO trainings VALUES (?, ?, ?, ?, ?, ?, ?)');
  return {
    training: db.one<StoredTraining>(
      'SELECT status, createdAt, lastActionAt, lastSuccessAt, message, upTo FROM trainings WHERE collection = ?',
    ),
    runningTrainings: db.all<{ collection: number }>(
      "SELECT collection FROM trainings WHERE status = 'running'",
    ),
    setTraining: (collection: number, training: StoredTraining) => {
      const { status, createdAt, lastActionAt, lastSuccessAt, message, upTo } = training;
      write(collection, status, createdAt, lastActionAt, lastSuccessAt, message, upTo);
    },
    transaction: db.transaction,
  };
}

function prepareDetections(db: FaceDatabase, cipher: VectorCipher) {
  const insert = db.run(
    'INSERT INTO detections (faceId, recognitionModel, vector, expiresAt) VALUES (?, ?, ?, ?)',
  );
  const find = db.one<Row>(
    'SELECT recognitionModel, vector FROM detections WHERE faceId = ? AND expiresAt > ?',
  );
  return {
    addDetections: (detections: readonly NewDetection[]) =>
      db.transaction(() => {
        for (const { faceId, recognitionModel, vector, expiresAt } of detections) {
          insert(faceId, recognitionModel, cipher.seal(vector, faceId), expiresAt);
        }
      }),
    detection(faceId: string, now: number): StoredDetection | undefined {
      const row = find(faceId, now);
      if (row === undefined) return undefined;
      const vector = cipher.open(row['vector'] as Uint8Array, faceId);
      return { recognitionModel: row['recognitionModel'] as RecognitionModel, vector };
    },
    dropExpiredDetections: db.erase('DELETE FROM detections WHERE expiresAt <= ?'),
  };
}

function prepareMonths(db: FaceDatabase) {
  const calls = db.one<{ calls: number }>('SELECT calls FROM months WHERE month = ?');
  return {
    monthlyCalls: (month: number): number => calls(month)?.calls ?? 0,
    countCall: db.run('INSERT INTO months VALUES (?, 1) ON CONFLICT DO UPDATE SET calls = calls + 1'),
  };
}
