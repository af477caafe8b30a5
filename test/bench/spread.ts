/** Median and tail of measured values, and how many there are. */
export function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN).toFixed(1);
  return `median ${at(0.5)}, 95th ${at(0.95)}, 99th ${at(0.99)} (${sorted.length})`;
}
