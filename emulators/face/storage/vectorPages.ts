import { openReader, type FaceDatabase, type Gate } from './database.ts';
import { type VectorCipher } from './vectorCipher.ts';

/** A page of faces. IDs are ASCII text without gaps. */
export type VectorPage = {
  count: number;
  /** The ID of the face itself for a face without a person. */
  personIds: Uint8Array;
  faceIds: Uint8Array;
  /** Bytes of float32 vectors without gaps. */
  vectors: Uint8Array;
  /** The newest face of the page. */
  upTo: number;
};

export type ReadPage = (collection: number, trained: 0 | 1, after: number, upTo: number) => VectorPage;

/** Opens a reader in another thread. */
export type VectorSource = { file: string; gate: Gate; key: Uint8Array | undefined };

const facesPerPage = 96;

/**
 * Prepares to read the oldest faces after `after` and up to `upTo`. SQLite returns a page as one row: one row per face
 * takes three times as long.
 */
export function preparePages(db: Pick<FaceDatabase, 'one'>, cipher: VectorCipher): ReadPage {
  const concat = (column: string): string => `CAST(group_concat(${column}, '') AS BLOB)`;
  const page = db.one<
    { count: number; upTo: number } & Record<'personIds' | 'faceIds' | 'vectors', Uint8Array>
  >(
    `SELECT COUNT(*) AS count, MAX(seq) AS upTo, ${concat('COALESCE(personId, id)')} AS personIds,
      ${concat('id')} AS faceIds, ${concat('vector')} AS vectors
    FROM (SELECT seq, personId, id, vector FROM faces
      WHERE collection = ? AND trained = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ${facesPerPage})`,
  );
  return (collection, trained, after, upTo) => {
    const found = page(collection, trained, after, upTo);
    if (found === undefined || found.count === 0) {
      const none = new Uint8Array(0);
      return { count: 0, personIds: none, faceIds: none, vectors: none, upTo: after };
    }
    return { ...found, vectors: cipher.openPage(found.vectors, found.faceIds, found.count) };
  };
}

export function openVectorReader({ file, gate }: VectorSource, cipher: VectorCipher) {
  const db = openReader(file, gate);
  return { page: preparePages(db, cipher), close: db.close };
}
