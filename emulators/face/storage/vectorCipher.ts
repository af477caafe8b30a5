import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';

/** The stored form of vectors: plain or encrypted. `id` is the ID of the face; a vector opens only under its own ID. */
export type VectorCipher = {
  seal(vector: Float32Array, id: string): Uint8Array;
  open(stored: Uint8Array, id: string): Float32Array;
  /**
   * Opens `count` stored vectors of one length without gaps, with the IDs of their faces. Returns the bytes of the
   * float32 vectors without gaps.
   */
  openPage(stored: Uint8Array, ids: Uint8Array, count: number): Uint8Array;
};

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** Parses `FACE_DATA_KEY`: 32 bytes in hexadecimal or base64. @throws Error that says what was expected */
export function readDataKey(text: string | undefined): Buffer | undefined {
  if (text === undefined || text === '') return undefined;
  const key = Buffer.from(text, /^[\da-f]{64}$/i.test(text) ? 'hex' : 'base64');
  if (key.length === keyBytes) return key;
  throw new Error(
    'FACE_DATA_KEY takes 32 bytes in hexadecimal or base64, for example what `openssl rand -hex 32` prints',
  );
}

/** Copies the bytes, since those of SQLite may not be aligned. */
const toFloats = (bytes: Uint8Array): Float32Array => new Float32Array(new Uint8Array(bytes).buffer);

export const plain: VectorCipher = {
  seal: (vector) => new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength),
  open: toFloats,
  openPage: (stored) => stored,
};

/** Stores nonce, tag and ciphertext, in this order. */
export function createVectorCipher(bytesOfKey: Uint8Array): VectorCipher {
  // A key object halves the time: Node.js would otherwise import the bytes for each vector.
  const key = createSecretKey(bytesOfKey);
  function decrypt(stored: Uint8Array, id: Uint8Array): Uint8Array {
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
    open: (stored, id) => toFloats(decrypt(stored, Buffer.from(id))),
    openPage(stored, ids, count) {
      const slice = (bytes: Uint8Array, index: number): Uint8Array =>
        bytes.subarray((index * bytes.length) / count, ((index + 1) * bytes.length) / count);
      const vectorBytes = stored.length / count - nonceBytes - tagBytes;
      const vectors = new Uint8Array(count * vectorBytes);
      for (let index = 0; index < count; index += 1) {
        vectors.set(decrypt(slice(stored, index), slice(ids, index)), index * vectorBytes);
      }
      return vectors;
    },
  };
}
