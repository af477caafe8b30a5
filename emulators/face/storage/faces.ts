import type { FaceDatabase, Row } from './database.ts';
import type { VectorCipher } from './vectorCipher.ts';
import { preparePages, type VectorPage } from './vectorPages.ts';

export type StoredFace = { id: string; userData: string | null };

/** Persisted faces. `personId` is null for the faces of lists. */
export function prepareFaces(db: FaceDatabase, cipher: VectorCipher) {
  const insert = db.run(
    'INSERT INTO faces (collection, personId, id, userData, vector) VALUES (?, ?, ?, ?, ?)',
  );
  const count = db.one<{ count: number }>(
    'SELECT COUNT(*) AS count FROM faces WHERE collection = ? AND seq <= ?',
  );
  const newest = db.one<{ seq: number | null }>('SELECT MAX(seq) AS seq FROM faces WHERE collection = ?');
  const openVector = (row: Row): Float32Array => cipher.open(row['vector'] as Uint8Array, String(row['id']));
  const held = db.all<Row>('SELECT id, vector FROM faces WHERE collection = ? AND personId IS ? ORDER BY id');
  const trained = db.one<Row>(
    'SELECT id, vector FROM faces WHERE collection = ? AND personId IS ? AND id = ? AND trained = 1',
  );
  const page = preparePages(db, cipher);
  const slice = db.one<{ count: number; upTo: number | null }>(
    `SELECT COUNT(*) AS count, MAX(seq) AS upTo
    FROM (SELECT seq FROM faces WHERE collection = ? AND trained = 1 AND seq > ? ORDER BY seq LIMIT ?)`,
  );
  return {
    face: db.one<StoredFace>(
      'SELECT id, userData FROM faces WHERE collection = ? AND personId IS ? AND id = ?',
    ),
    faces: db.all<StoredFace>(
      'SELECT id, userData FROM faces WHERE collection = ? AND personId IS ? AND id > ? ORDER BY id LIMIT ?',
    ),
    addFace: (
      collection: number,
      personId: string | null,
      { id, userData, vector }: StoredFace & { vector: Float32Array },
    ) => insert(collection, personId, id, userData, cipher.seal(vector, id)),
    updateFace: db.run('UPDATE faces SET userData = ? WHERE collection = ? AND personId IS ? AND id = ?'),
    deleteFace: db.erase('DELETE FROM faces WHERE collection = ? AND personId IS ? AND id = ?'),
    newestFace: (collection: number): number => newest(collection)?.seq ?? 0,
    countFaces: (collection: number, upTo: number): number => count(collection, upTo)?.count ?? 0,
    vectors: (collection: number, personId: string | null) =>
      held(collection, personId).map((row) => ({ faceId: String(row['id']), vector: openVector(row) })),
    /** The oldest trained faces after `after`; an empty page when there are none. */
    trainedPage: (collection: number, after: number, upTo: number): VectorPage =>
      page(collection, 1, after, upTo),
    /** The number of trained faces after `after`, up to `atMost`, and the newest of them. */
    trainedSlice(collection: number, after: number, atMost: number): { count: number; upTo: number } {
      const found = slice(collection, after, atMost);
      return { count: found?.count ?? 0, upTo: found?.upTo ?? after };
    },
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
      return row && openVector(row);
    },
    markTrained: db.run('UPDATE faces SET trained = 1 WHERE collection = ? AND trained = 0 AND seq <= ?'),
  };
}
