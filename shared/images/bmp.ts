import { rowBytes, rowsHeld, toView, type BmpHeader } from './bmpHeader.ts';
import { copyColour, readPalette } from './bmpPalette.ts';
import { RunDecoder, type RunTarget } from './bmpRuns.ts';
import { ShrinkingRows, type RawImage } from './rows.ts';

/*
 * Decodes the BMP files that Windows and OS/2 write: 1, 4, 8, 16, 24 and 32 bits, palettes, bit masks, both run-length
 * codes, rows stored from the bottom or from the top. Transparency is ignored, as in most viewers.
 */

/** Decodes the rows that are in the file, shrunk by a whole factor. Missing rows stay black. */
export function decodeBmp(
  header: BmpHeader,
  bytes: Uint8Array,
  shrinkBy: number,
): { image: RawImage; rows: number } {
  const shrinking = new ShrinkingRows(header, shrinkBy);
  const palette = header.bits <= 8 ? readPalette(header, bytes) : undefined;
  const rgb = new Uint8Array(header.width * 3);
  const put = (row: number): void => shrinking.add(header.topDown ? row : header.height - 1 - row, rgb);
  const rows =
    palette !== undefined && header.coding === 'runLength'
      ? new RunDecoder(header, bytes, { palette, rgb, put }).decode()
      : decodePlain(header, bytes, { palette, rgb, put });
  return { image: shrinking.finish(), rows };
}

/** Returns how many rows the file holds. */
function decodePlain(
  header: BmpHeader,
  bytes: Uint8Array,
  { palette, rgb, put }: Omit<RunTarget, 'palette'> & { palette: Uint8Array | undefined },
): number {
  const stride = rowBytes(header);
  const view = toView(bytes);
  const held = rowsHeld(header, bytes);
  for (let row = 0; row < held; row += 1) {
    const from = header.start + row * stride;
    if (palette !== undefined) spreadIndexes(header, bytes, from, { palette, rgb });
    else if (header.bits === 24) swapChannels(bytes, from, rgb);
    else applyMasks(header, view, from, rgb);
    put(row);
  }
  return held;
}

function spreadIndexes(
  { width, bits }: BmpHeader,
  bytes: Uint8Array,
  from: number,
  { palette, rgb }: Omit<RunTarget, 'put'>,
): void {
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  for (let x = 0; x < width; x += 1) {
    const shift = 8 - bits * ((x % perByte) + 1);
    const index = ((bytes[from + Math.floor(x / perByte)] ?? 0) >> shift) & mask;
    copyColour(palette, index, rgb, x);
  }
}

function swapChannels(bytes: Uint8Array, from: number, rgb: Uint8Array): void {
  for (let at = 0; at < rgb.length; at += 3) {
    rgb[at] = bytes[from + at + 2] ?? 0;
    rgb[at + 1] = bytes[from + at + 1] ?? 0;
    rgb[at + 2] = bytes[from + at] ?? 0;
  }
}

function applyMasks({ width, bits, masks }: BmpHeader, view: DataView, from: number, rgb: Uint8Array): void {
  const [red, green, blue] = [toChannel(masks[0]), toChannel(masks[1]), toChannel(masks[2])];
  for (let x = 0; x < width; x += 1) {
    const pixel = bits === 16 ? view.getUint16(from + x * 2, true) : view.getUint32(from + x * 4, true);
    rgb[x * 3] = ((pixel & red.mask) >>> red.shift) * red.scale + 0.5;
    rgb[x * 3 + 1] = ((pixel & green.mask) >>> green.shift) * green.scale + 0.5;
    rgb[x * 3 + 2] = ((pixel & blue.mask) >>> blue.shift) * blue.scale + 0.5;
  }
}

function toChannel(mask: number): { mask: number; shift: number; scale: number } {
  const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  return { mask, shift, scale: most === 0 ? 0 : 255 / most };
}
