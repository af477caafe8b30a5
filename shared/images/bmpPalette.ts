import type { BmpHeader } from './bmpHeader.ts';

/** Reads the palette as RGB, 3 bytes an entry. */
export function readPalette(
  { palette: { start, entryBytes, entries } }: BmpHeader,
  bytes: Uint8Array,
): Uint8Array {
  const palette = new Uint8Array(256 * 3);
  for (let entry = 0; entry < entries; entry += 1) {
    const from = start + entry * entryBytes;
    for (const channel of [0, 1, 2]) palette[entry * 3 + channel] = bytes[from + 2 - channel] ?? 0;
  }
  return palette;
}

export function copyColour(palette: Uint8Array, index: number, rgb: Uint8Array, x: number): void {
  rgb[x * 3] = palette[index * 3] ?? 0;
  rgb[x * 3 + 1] = palette[index * 3 + 1] ?? 0;
  rgb[x * 3 + 2] = palette[index * 3 + 2] ?? 0;
}
