import { bytesOf, openFaceDatabase, vectorOf, type FaceDatabase, type Row } from './database.ts';

export type StoredCollection = {
  /** Of this collection only; one that is created anew under the same ID has another. */
  key: number;
  id: string;
  name: string;
  userData: string | null;
  recognitionModel: string;
  persons: number;
};
export type StoredPerson = { id: string; name: string; userData: string | null };
export type StoredFace = { id: string; userData: string | null };
/** Faces, many at a time. IDs are text in ASCII, one right behind the other; vectors lie side by side. */
export type VectorPage = {
  count: number;
  /** A face that belongs to no person has its own ID here. */
  personIds: Uint8Array;
  faceIds: Uint8Array;
  vectors: Float32Array;
  /** The newest face of the page. */
  upTo: number;
};
export type StoredDetection = { recognitionModel: string; vector: Float32Array };
export type NewDetection = StoredDetection & { faceId: string; expiresAt: number };
export type StoredTraining = {
  status: 'running' | 'succeeded' | 'failed';
  createdAt: number;
  lastActionAt: number;
  lastSuccessAt: number | null;
  message: string | null;
  /** The newest face that this training takes in. */
  upTo: number;
};

/**
 * Everything that the service remembers, in SQLite with a write-ahead log: what a call has answered survives the
 * death of the process. What is deleted is overwritten. A face is part of what was trained while its row says so.
 */
export function openFaceStore(file: string) {
  const db = openFaceDatabase(file);
  return {
    ...collectionsIn(db),
    ...personsIn(db),
    ...facesIn(db),
    ...trainingsIn(db),
    ...detectionsIn(db),
    ...monthsIn(db),
    close: db.close,
  };
}

export type FaceStore = ReturnType<typeof openFaceStore>;

const ofCollection = 'key, id, name, userData, recognitionModel, persons';

function collectionsIn(db: FaceDatabase) {
  const totals = db.one<{ collections: number; persons: number }>(
    'SELECT COUNT(*) AS collections, COALESCE(SUM(persons), 0) AS persons FROM collections WHERE kind = ?',
  );
  return {
    collection: db.one<StoredCollection>(`SELECT ${ofCollection} FROM collections WHERE kind = ? AND id = ?`),
    collections: db.all<StoredCollection>(
      `SELECT ${ofCollection} FROM collections WHERE kind = ? AND id > ? ORDER BY id LIMIT ?`,
    ),
    totals: (kind: string) => totals(kind) ?? { collections: 0, persons: 0 },
    addCollection: db.run(
      'INSERT INTO collections (kind, id, name, userData, recognitionModel) VALUES (?, ?, ?, ?, ?)',
    ),
    updateCollection: db.run('UPDATE collections SET name = ?, userData = ? WHERE key = ?'),
    deleteCollection: db.erase('DELETE FROM collections WHERE key = ?'),
  };
}

function personsIn(db: FaceDatabase) {
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

function facesIn(db: FaceDatabase) {
  const insert = db.run(
    'INSERT INTO faces (collection, personId, id, userData, vector) VALUES (?, ?, ?, ?, ?)',
  );
  const ofPerson = db.all<Row>('SELECT vector FROM faces WHERE collection = ? AND personId = ?');
  const count = db.one<{ count: number }>(
    'SELECT COUNT(*) AS count FROM faces WHERE collection = ? AND seq <= ?',
  );
  const newest = db.one<{ seq: number | null }>('SELECT MAX(seq) AS seq FROM faces WHERE collection = ?');
  const trained = db.one<Row>(
    'SELECT vector FROM faces WHERE collection = ? AND personId IS ? AND id = ? AND trained = 1',
  );
  const page = vectorPagesIn(db);
  return {
    face: db.one<StoredFace>(
      'SELECT id, userData FROM faces WHERE collection = ? AND personId = ? AND id = ?',
    ),
    facesOfPerson: db.all<StoredFace>(
      'SELECT id, userData FROM faces WHERE collection = ? AND personId = ? ORDER BY id',
    ),
    addFace: (
      collection: number,
      personId: string,
      { id, userData, vector }: StoredFace & { vector: Float32Array },
    ) => insert(collection, personId, id, userData, bytesOf(vector)),
    updateFace: db.run('UPDATE faces SET userData = ? WHERE collection = ? AND personId = ? AND id = ?'),
    deleteFace: db.erase('DELETE FROM faces WHERE collection = ? AND personId = ? AND id = ?'),
    newestFace: (collection: number): number => newest(collection)?.seq ?? 0,
    countFaces: (collection: number, upTo: number): number => count(collection, upTo)?.count ?? 0,
    vectorsOfPerson: (collection: number, personId: string) => ofPerson(collection, personId).map(vectorOf),
    /** A page of the trained faces that came after this one; an empty one when there are no more. */
    trainedPage: (collection: number, after: number): VectorPage =>
      page(collection, 1, after, Number.MAX_SAFE_INTEGER),
    untrainedPages(collection: number, upTo: number): VectorPage[] {
      const pages: VectorPage[] = [];
      for (let next = page(collection, 0, 0, upTo); next.count > 0;) {
        pages.push(next);
        next = page(collection, 0, next.upTo, upTo);
      }
      return pages;
    },
    trainedVector(collection: number, personId: string, faceId: string): Float32Array | undefined {
      const row = trained(collection, personId === faceId ? null : personId, faceId);
      return row && vectorOf(row);
    },
    markTrained: db.run('UPDATE faces SET trained = 1 WHERE collection = ? AND trained = 0 AND seq <= ?'),
  };
}

function trainingsIn(db: FaceDatabase) {
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

function detectionsIn(db: FaceDatabase) {
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
          insert(faceId, recognitionModel, bytesOf(vector), expiresAt);
        }
      }),
    detection(faceId: string, now: number): StoredDetection | undefined {
      const row = find(faceId, now);
      return row && { recognitionModel: String(row['recognitionModel']), vector: vectorOf(row) };
    },
    dropExpiredDetections: db.erase('DELETE FROM detections WHERE expiresAt <= ?'),
  };
}

function monthsIn(db: FaceDatabase) {
  const calls = db.one<{ calls: number }>('SELECT calls FROM months WHERE month = ?');
  return {
    callsOfMonth: (month: number): number => calls(month)?.calls ?? 0,
    countCall: db.run('INSERT INTO months VALUES (?, 1) ON CONFLICT DO UPDATE SET calls = calls + 1'),
  };
}

/** Faces of a page. */
const facesOfPage = 512;

/** A page is one row for us: a million rows of their own would take three times as long to read. */
function vectorPagesIn(db: FaceDatabase) {
  const joined = (what: string): string => `CAST(group_concat(CAST(${what} AS TEXT), '') AS BLOB)`;
  const page = db.one<
    { count: number; upTo: number } & Record<'personIds' | 'faceIds' | 'vectors', Uint8Array>
  >(
    `SELECT COUNT(*) AS count, MAX(seq) AS upTo, ${joined('COALESCE(personId, id)')} AS personIds,
      ${joined('id')} AS faceIds, ${joined('vector')} AS vectors
    FROM (SELECT seq, personId, id, vector FROM faces
      WHERE collection = ? AND trained = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ${facesOfPage})`,
  );
  return (collection: number, trained: 0 | 1, after: number, upTo: number): VectorPage => {
    const found = page(collection, trained, after, upTo);
    if (found === undefined || found.count === 0) {
      const none = new Uint8Array(0);
      return { count: 0, personIds: none, faceIds: none, vectors: new Float32Array(0), upTo: after };
    }
    return { ...found, vectors: vectorOf({ vector: found.vectors }) };
  };
}
