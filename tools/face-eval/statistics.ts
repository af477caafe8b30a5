/** A share of a count, with the bounds between which it lies at 95 % by Wilson's method. */
export type Share = { share: number; low: number; high: number; of: number };

const deviations = 1.96;

export function shareOf(count: number, of: number): Share {
  if (of === 0) return { share: Number.NaN, low: 0, high: 1, of };
  const share = count / of;
  const square = deviations ** 2;
  const centre = (share + square / (2 * of)) / (1 + square / of);
  const reach =
    (deviations / (1 + square / of)) * Math.sqrt((share * (1 - share)) / of + square / (4 * of * of));
  // Rounding may put a bound past the share itself at 0 and 1.
  return {
    share,
    low: Math.max(0, Math.min(share, centre - reach)),
    high: Math.min(1, Math.max(share, centre + reach)),
    of,
  };
}

export function percent({ share, low, high, of }: Share, digits = 2): string {
  if (of === 0) return '–';
  const text = (value: number) => (value * 100).toFixed(digits);
  return `${text(share)} % (${text(low)} to ${text(high)})`;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}

/** The value below which so large a share of ascending values lies. */
export function quantile(ascending: ArrayLike<number>, share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? Number.NaN;
}

/** How many of ascending values are at least so large. */
export function countFrom(ascending: ArrayLike<number>, least: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return ascending.length - low;
}

/** Columns of text; the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(cell).join('  ')}`).join('\n');
}
