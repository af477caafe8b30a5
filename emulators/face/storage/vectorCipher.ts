import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';

/** How vectors are kept: as they are, or encrypted. The ID is that of the face: a vector opens in its own row only. */
export type VectorCipher = {
  seal(vector: Float32Array, id: string): Uint8Array;
  open(stored: Uint8Array, id: string): Float32Array;
  /**
   * So many vectors of one length, and the IDs of their faces, one right behind the other. So are the bytes of the
   * numbers that it gives.
   */
  openPage(stored: Uint8Array, ids: Uint8Array, count: number): Uint8Array;
};

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** The key of `FACE_DATA_KEY`: 32 bytes in hexadecimal or base64. @throws Error that says what was expected */
export function readDataKey(text: string | undefined): Buffer | undefined {
  if (text === undefined || text === '') return undefined;
  const key = Buffer.from(text, /^[\da-f]{64}$/i.test(text) ? 'hex' : 'base64');
  if (key.length === keyBytes) return key;
  throw new Error(
    'FACE_DATA_KEY takes 32 bytes in hexadecimal or base64, for example what `openssl rand -hex 32` prints',
  );
}

/** A copy: SQLite's bytes need not be aligned. */
const floatsOf = (bytes: Uint8Array): Float32Array => new Float32Array(new Uint8Array(bytes).buffer);

export const plain: VectorCipher = {
  seal: (vector) => new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength),
  open: floatsOf,
  openPage: (stored) => stored,
};

/** Nonce, tag and what is encrypted, one after another. */
export function createVectorCipher(bytesOfKey: Uint8Array): VectorCipher {
  // Half the time is saved where Node.js does not take the key in anew for each vector.
  const key = createSecretKey(bytesOfKey);
  function opened(stored: Uint8Array, id: Uint8Array): Uint8Array {
    const decipher = createDecipheriv(algorithm, key, stored.subarray(0, nonceBytes))
      .setAAD(id)
      .setAuthTag(stored.subarray(nonceBytes, nonceBytes + tagBytes));
    const bytes = decipher.update(stored.subarray(nonceBytes + tagBytes));
    decipher.final();
    return bytes;
  }
  return {
    seal(vector, id) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(id));
      const sealed = [cipher.update(plain.seal(vector, id)), cipher.final()];
      return Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]);
    },
    open: (stored, id) => floatsOf(opened(stored, Buffer.from(id))),
    openPage(stored, ids, count) {
      const part = (bytes: Uint8Array, index: number): Uint8Array =>
        bytes.subarray((index * bytes.length) / count, ((index + 1) * bytes.length) / count);
      const vectorBytes = stored.length / count - nonceBytes - tagBytes;
      const vectors = new Uint8Array(count * vectorBytes);
      for (let index = 0; index < count; index += 1) {
        vectors.set(opened(part(stored, index), part(ids, index)), index * vectorBytes);
      }
      return vectors;
    },
  };
}
