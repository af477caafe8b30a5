/** Numbers of a probe lie within 63 of this middle, as the kernel wants them. */
const most = 63;
const middle = 64;

/**
 * Writes a probe as whole numbers, which times `scale` stand for it. `error` is the length of what they leave out.
 */
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
