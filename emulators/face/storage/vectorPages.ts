import { openReader, type FaceDatabase, type Gate } from './database.ts';
import { type VectorCipher } from './vectorCipher.ts';

/** Faces, many at a time. IDs are text in ASCII, one right behind the other. */
export type VectorPage = {
  count: number;
  /** A face that belongs to no person has its own ID here. */
  personIds: Uint8Array;
  faceIds: Uint8Array;
  /** Bytes of float32 numbers, a vector right behind the other. */
  vectors: Uint8Array;
  /** The newest face of the page. */
  upTo: number;
};

export type ReadPage = (collection: number, trained: 0 | 1, after: number, upTo: number) => VectorPage;

/** What a thread of its own needs to read vectors. */
export type VectorSource = { file: string; gate: Gate; key: Uint8Array | undefined };

const facesOfPage = 96;

/**
 * Reads the oldest faces after one and up to another, as many as make a page. A page is one row for us: a million rows
 * of their own would take three times as long to read.
 */
export function vectorPagesIn(db: Pick<FaceDatabase, 'one'>, cipher: VectorCipher): ReadPage {
  const joined = (what: string): string => `CAST(group_concat(${what}, '') AS BLOB)`;
  const page = db.one<
    { count: number; upTo: number } & Record<'personIds' | 'faceIds' | 'vectors', Uint8Array>
  >(
    `SELECT COUNT(*) AS count, MAX(seq) AS upTo, ${joined('COALESCE(personId, id)')} AS personIds,
      ${joined('id')} AS faceIds, ${joined('vector')} AS vectors
    FROM (SELECT seq, personId, id, vector FROM faces
      WHERE collection = ? AND trained = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ${facesOfPage})`,
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
  return { page: vectorPagesIn(db, cipher), close: db.close };
}
