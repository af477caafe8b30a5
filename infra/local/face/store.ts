import { openDatabase } from '../sqlite.ts';

export type StoredGroup = { id: string; name: string; userData: string | null; recognitionModel: string };
export type StoredPerson = { id: string; name: string; userData: string | null };
export type StoredFace = { id: string; userData: string | null };
export type StoredVector = { personId: string; vector: Float32Array };
export type StoredDetection = { recognitionModel: string; vector: Float32Array };
export type StoredTraining = {
  status: 'running' | 'succeeded' | 'failed';
  createdAt: number;
  lastActionAt: number;
  lastSuccessAt: number | null;
  message: string | null;
};

type Row = Record<string, string | number | null | Uint8Array>;

export type FaceStore = ReturnType<typeof openFaceStore>;

/**
 * Everything that the service remembers, in SQLite with a write-ahead log: what a call has answered survives the
 * death of the process. Deleted content is overwritten (`secure_delete`): a vector that is gone is gone from the
 * disk too. A face is part of what was trained while its row says so.
 */
export function openFaceStore(file: string) {
  const db = openDatabase(
    file,
    `
    PRAGMA secure_delete = ON;
    PRAGMA foreign_keys = ON;
    CREATE TABLE IF NOT EXISTS groups (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, userData TEXT, recognitionModel TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS persons (
      groupId TEXT NOT NULL REFERENCES groups ON DELETE CASCADE, id TEXT NOT NULL, name TEXT NOT NULL, userData TEXT,
      PRIMARY KEY (groupId, id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS faces (
      groupId TEXT NOT NULL, personId TEXT NOT NULL, id TEXT NOT NULL, userData TEXT, trained INTEGER NOT NULL,
      vector BLOB NOT NULL, PRIMARY KEY (groupId, personId, id),
      FOREIGN KEY (groupId, personId) REFERENCES persons ON DELETE CASCADE);
    CREATE TABLE IF NOT EXISTS trainings (
      groupId TEXT PRIMARY KEY REFERENCES groups ON DELETE CASCADE, status TEXT NOT NULL, createdAt INTEGER NOT NULL,
      lastActionAt INTEGER NOT NULL, lastSuccessAt INTEGER, message TEXT) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS detections (
      faceId TEXT PRIMARY KEY, recognitionModel TEXT NOT NULL, vector BLOB NOT NULL, expiresAt INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS detectionsExpiry ON detections (expiresAt);
    CREATE TABLE IF NOT EXISTS months (month INTEGER PRIMARY KEY, calls INTEGER NOT NULL);
  `,
  );
  const run = (sql: string) => {
    const statement = db.prepare(sql);
    return (...values: (string | number | null | Uint8Array)[]) => Number(statement.run(...values).changes);
  };
  const one = <Value>(sql: string) => {
    const statement = db.prepare(sql);
    return (...values: (string | number | null)[]) => statement.get(...values) as Value | undefined;
  };
  const all = <Value>(sql: string) => {
    const statement = db.prepare(sql);
    return (...values: (string | number | null)[]) => statement.all(...values) as Value[];
  };
  const insertFace = run('INSERT INTO faces VALUES (?, ?, ?, ?, 0, ?)');
  const insertDetection = run('INSERT INTO detections VALUES (?, ?, ?, ?)');
  const detection = one<Row>(
    'SELECT recognitionModel, vector FROM detections WHERE faceId = ? AND expiresAt > ?',
  );
  const trainedVectors = all<Row>('SELECT personId, vector FROM faces WHERE groupId = ? AND trained = 1');
  const vectorsOfPerson = all<Row>('SELECT personId, vector FROM faces WHERE groupId = ? AND personId = ?');

  return {
    group: one<StoredGroup>('SELECT id, name, userData, recognitionModel FROM groups WHERE id = ?'),
    groups: all<StoredGroup>(
      'SELECT id, name, userData, recognitionModel FROM groups WHERE id > ? ORDER BY id LIMIT ?',
    ),
    addGroup: run('INSERT INTO groups VALUES (?, ?, ?, ?)'),
    updateGroup: run('UPDATE groups SET name = ?, userData = ? WHERE id = ?'),
    deleteGroup: run('DELETE FROM groups WHERE id = ?'),

    person: one<StoredPerson>('SELECT id, name, userData FROM persons WHERE groupId = ? AND id = ?'),
    persons: all<StoredPerson>(
      'SELECT id, name, userData FROM persons WHERE groupId = ? AND id > ? ORDER BY id LIMIT ?',
    ),
    addPerson: run('INSERT INTO persons VALUES (?, ?, ?, ?)'),
    updatePerson: run('UPDATE persons SET name = ?, userData = ? WHERE groupId = ? AND id = ?'),
    deletePerson: run('DELETE FROM persons WHERE groupId = ? AND id = ?'),

    face: one<StoredFace>('SELECT id, userData FROM faces WHERE groupId = ? AND personId = ? AND id = ?'),
    facesOfPerson: all<StoredFace>(
      'SELECT id, userData FROM faces WHERE groupId = ? AND personId = ? ORDER BY id',
    ),
    addFace: (groupId: string, personId: string, id: string, userData: string | null, vector: Float32Array) =>
      insertFace(groupId, personId, id, userData, bytesOf(vector)),
    updateFace: run('UPDATE faces SET userData = ? WHERE groupId = ? AND personId = ? AND id = ?'),
    deleteFace: run('DELETE FROM faces WHERE groupId = ? AND personId = ? AND id = ?'),
    countFaces: (groupId: string): number => countFaces(groupId)?.count ?? 0,
    vectorsOfPerson: (groupId: string, personId: string) => vectorsOfPerson(groupId, personId).map(toVector),
    trainedVectors: (groupId: string) => trainedVectors(groupId).map(toVector),
    markTrained: run('UPDATE faces SET trained = 1 WHERE groupId = ? AND trained = 0'),

    training: one<StoredTraining>(
      'SELECT status, createdAt, lastActionAt, lastSuccessAt, message FROM trainings WHERE groupId = ?',
    ),
    runningTrainings: all<{ groupId: string }>("SELECT groupId FROM trainings WHERE status = 'running'"),
    setTraining: run('INSERT OR REPLACE INTO trainings VALUES (?, ?, ?, ?, ?, ?)'),

    addDetection: (faceId: string, recognitionModel: string, vector: Float32Array, expiresAt: number) =>
      insertDetection(faceId, recognitionModel, bytesOf(vector), expiresAt),
    detection(faceId: string, now: number): StoredDetection | undefined {
      const row = detection(faceId, now);
      return row && { recognitionModel: String(row['recognitionModel']), vector: toVector(row).vector };
    },
    dropExpiredDetections: run('DELETE FROM detections WHERE expiresAt <= ?'),

    callsOfMonth: (month: number): number => callsOfMonth(month)?.calls ?? 0,
    countCall: run('INSERT INTO months VALUES (?, 1) ON CONFLICT DO UPDATE SET calls = calls + 1'),
    close: () => db.close(),
  };

  function countFaces(groupId: string) {
    return one<{ count: number }>('SELECT COUNT(*) AS count FROM faces WHERE groupId = ?')(groupId);
  }

  function callsOfMonth(month: number) {
    return one<{ calls: number }>('SELECT calls FROM months WHERE month = ?')(month);
  }
}

function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

function toVector(row: Row): StoredVector {
  const bytes = row['vector'] as Uint8Array;
  // A copy: SQLite's bytes need not be aligned.
  return { personId: String(row['personId'] ?? ''), vector: new Float32Array(new Uint8Array(bytes).buffer) };
}
