/** The kernel takes probes as whole numbers within 63 of 64. */
const most = 63;
const middle = 64;

/** Quantises a probe: `scale` times the whole numbers approximates it, and `error` is the length of the difference. */
export function writeProbe(
  vector: Float32Array,
  into: Int8Array,
  at: number,
): { scale: number; error: number } {
  const scale = vector.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / most || 1;
  let error = 0;
  for (const [index, value] of vector.entries()) {
    const whole = Math.round(value / scale);
    into[at + index] = whole + middle;
    error += (value - whole * scale) ** 2;
  }
  return { scale, error: Math.sqrt(error) };
}
