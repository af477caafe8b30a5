/** Numbers of a row lie within ±127, those of a probe within ±63 around this middle, as the kernel wants them. */
const rowMost = 127;
const probeMost = 63;
const probeMiddle = 64;

/** What stands for a vector: whole numbers times `scale`. `error` is the length of what that leaves out. */
export type Quantised = { scale: number; error: number };

function largest(vector: Float32Array): number {
  let most = 0;
  for (const value of vector) most = Math.max(most, Math.abs(value));
  return most;
}

/**
 * Writes a face as a row; `bias` is what the middle of probes adds to its products.
 * Math.round on halves does not matter: either neighbour is as near.
 */
export function quantiseRow(vector: Float32Array, into: Int8Array): Quantised & { bias: number } {
  const scale = largest(vector) / rowMost;
  if (scale === 0) return { scale, error: 0, bias: 0 };
  let [sum, error] = [0, 0];
  for (let index = 0; index < vector.length; index += 1) {
    const value = vector[index] ?? 0;
    const whole = Math.round(value / scale);
    into[index] = whole;
    sum += whole;
    error += (value - whole * scale) ** 2;
  }
  return { scale, error: Math.sqrt(error), bias: probeMiddle * sum };
}

export function quantiseProbe(vector: Float32Array, into: Int8Array): Quantised {
  const scale = largest(vector) / probeMost || 1;
  let error = 0;
  for (let index = 0; index < vector.length; index += 1) {
    const value = vector[index] ?? 0;
    const whole = Math.round(value / scale);
    into[index] = whole + probeMiddle;
    error += (value - whole * scale) ** 2;
  }
  return { scale, error: Math.sqrt(error) };
}
