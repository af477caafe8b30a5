import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createVectorCipher } from '../../../emulators/face/storage/vectorCipher.ts';

const cipher = createVectorCipher(Buffer.alloc(32, 7));
const anyVectors = fc
  .record({ count: fc.integer({ min: 1, max: 20 }), numbers: fc.integer({ min: 1, max: 40 }) })
  .chain(({ count, numbers }) =>
    fc.array(fc.float32Array({ minLength: numbers, maxLength: numbers, noNaN: true }), {
      minLength: count,
      maxLength: count,
    }),
  );

/** Vectors as they lie in a page: sealed each for its own face, one right behind the other. */
function pageOf(vectors: Float32Array[]) {
  const ids = vectors.map(() => randomUUID());
  return {
    ids: Buffer.from(ids.join('')),
    sealed: Buffer.concat(vectors.map((vector, index) => cipher.seal(vector, ids[index] ?? ''))),
    bytes: Buffer.concat(vectors.map(({ buffer }) => new Uint8Array(buffer))),
  };
}

test('a page opens to what each of its vectors was sealed from', () => {
  fc.assert(
    fc.property(anyVectors, (vectors) => {
      const { ids, sealed, bytes } = pageOf(vectors);
      const [size, first] = [sealed.length / vectors.length, ids.subarray(0, 36).toString()];
      expect(cipher.open(sealed.subarray(0, size), first)).toEqual(vectors[0]);
      expect(Buffer.from(cipher.openPage(sealed, ids, vectors.length)).equals(bytes)).toBe(true);
    }),
  );
});

test('no page opens in which a bit was changed, which is of other faces, or for another key', () => {
  const other = createVectorCipher(Buffer.alloc(32, 8));
  fc.assert(
    fc.property(anyVectors, fc.nat(), fc.nat(), (vectors, where, bit) => {
      const { ids, sealed } = pageOf(vectors);
      const open = (bytes: Uint8Array, faces: Uint8Array, by = cipher) =>
        by.openPage(bytes, faces, vectors.length);
      const flipped = (bytes: Uint8Array): Uint8Array =>
        bytes.map((byte, index) => (index === where % bytes.length ? byte ^ (1 << (bit % 8)) : byte));
      expect(() => open(flipped(sealed), ids)).toThrow('unable to authenticate');
      expect(() => open(sealed, flipped(ids))).toThrow('unable to authenticate');
      expect(() => open(sealed, ids, other)).toThrow('unable to authenticate');
    }),
  );
});
