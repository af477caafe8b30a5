/** Vectors of unit length in random directions, the same ones for the same seed. */
export function anyVector(seed: number, numbers: number): () => Float32Array {
  const next = randomNumbers(seed);
  return () => unit(Float32Array.from({ length: numbers }, () => normal(next)));
}

/** A vector that is turned towards another; at 1 by 45 degrees. */
export function variation(vector: Float32Array, other: Float32Array, much: number): Float32Array {
  return unit(vector.map((value, index) => value + much * (other[index] ?? 0)));
}

export function unit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const length = Math.sqrt(squares);
  return vector.map((value) => value / length);
}

/** Marsaglia's xorshift: from 0 to 1. */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Box and Muller's. */
function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(next() || Number.MIN_VALUE)) * Math.cos(2 * Math.PI * next());
}
