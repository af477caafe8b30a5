import { ShrinkingRows, type RawPicture } from './rows.ts';
import type { Size } from './formats.ts';

/*
 * Decodes the BMP files that Windows and OS/2 write: 1, 4, 8, 16, 24 and 32 bits, palettes, bit masks, both run-length
 * codes, rows stored from the bottom or from the top. Transparency is ignored, as in most viewers.
 */

export type BmpHeader = Size & {
  bits: number;
  coding: 'plain' | 'runLength';
  topDown: boolean;
  /** Bit masks of the channels in a pixel of 16 or 32 bits. */
  masks: readonly [red: number, green: number, blue: number];
  palette: { start: number; entryBytes: 3 | 4; entries: number };
  /** Byte offset of the first pixel in the file. */
  start: number;
  /**
   * Whether the file is of the kind that every reader supports: 24 bits, uncompressed, rows stored from the bottom, a
   * BITMAPINFOHEADER of 40 bytes.
   */
  common: boolean;
};

const fileHeaderBytes = 14;
/** Header lengths: BITMAPCOREHEADER; BITMAPINFOHEADER and its successors, with those of OS/2 (16 and 64 bytes). */
const headerBytes = { core: 12, info: [16, 40, 52, 56, 64, 108, 124] } as const;
const sampleBits = new Set([1, 4, 8, 16, 24, 32]);
const compressions = { none: 0, runLength8: 1, runLength4: 2, bitFields: 3, alphaBitFields: 6 };
const usualMasks = {
  16: [0x7c00, 0x03e0, 0x001f],
  32: [0x00ff0000, 0x0000ff00, 0x000000ff],
} as const;

/** Whether the bytes are a BMP. The header is checked as well as the letters BM, with which a text may also begin. */
export function isBmp(bytes: Uint8Array): boolean {
  if (bytes.length < fileHeaderBytes + headerBytes.core || bytes[0] !== 0x42 || bytes[1] !== 0x4d)
    return false;
  const view = viewOf(bytes);
  const length = view.getUint32(14, true);
  if (length === headerBytes.core) return isDepth(view.getUint16(22, true), view.getUint16(24, true));
  if (!headerBytes.info.some((known) => known === length) || bytes.length < fileHeaderBytes + length)
    return false;
  return isDepth(view.getUint16(26, true), view.getUint16(28, true));
}

function isDepth(planes: number, bits: number): boolean {
  return planes === 1 && sampleBits.has(bits);
}

/**
 * Reads the header of a file that `isBmp` accepts. Returns undefined when the pixels have an unsupported coding, such
 * as an embedded JPEG or a fax code.
 */
export function readBmpHeader(bytes: Uint8Array): BmpHeader | undefined {
  const view = viewOf(bytes);
  const length = view.getUint32(14, true);
  if (length === headerBytes.core) {
    const [width, height, bits] = [
      view.getUint16(18, true),
      view.getUint16(20, true),
      view.getUint16(24, true),
    ];
    const entries = bits <= 8 ? 2 ** bits : 0;
    const palette = { start: fileHeaderBytes + length, entryBytes: 3 as const, entries };
    return {
      ...{ width, height, bits, coding: 'plain', topDown: false, masks: usualMasks[32], palette },
      start: startOf(view, palette.start),
      common: false,
    };
  }
  const field = (at: number): number => (at + 4 <= fileHeaderBytes + length ? view.getUint32(at, true) : 0);
  const bits = view.getUint16(28, true);
  const compression = field(30);
  const coding = codingOf(compression, bits, length);
  if (coding === undefined) return undefined;
  const rows = view.getInt32(22, true);
  const masked = compression === compressions.bitFields || compression === compressions.alphaBitFields;
  const afterMasks =
    fileHeaderBytes +
    length +
    (masked && length === 40 ? (compression === compressions.bitFields ? 12 : 16) : 0);
  const most = bits <= 8 ? 2 ** bits : 0;
  const used = field(46);
  const entries = used === 0 ? most : Math.min(used, most);
  return {
    width: view.getInt32(18, true),
    height: Math.abs(rows),
    bits,
    coding,
    topDown: rows < 0,
    masks:
      masked && bytes.length >= 66
        ? [view.getUint32(54, true), view.getUint32(58, true), view.getUint32(62, true)]
        : usualMasks[bits === 16 ? 16 : 32],
    palette: { start: afterMasks, entryBytes: 4, entries },
    start: startOf(view, afterMasks),
    common: length === 40 && bits === 24 && compression === compressions.none && rows > 0,
  };
}

function codingOf(compression: number, bits: number, length: number): BmpHeader['coding'] | undefined {
  switch (compression) {
    case compressions.none:
      return 'plain';
    case compressions.runLength8:
      return bits === 8 ? 'runLength' : undefined;
    case compressions.runLength4:
      return bits === 4 ? 'runLength' : undefined;
    case compressions.bitFields:
      // In the OS/2 header of 64 bytes, this number stands for a fax code.
      return (bits === 16 || bits === 32) && length !== 64 ? 'plain' : undefined;
    case compressions.alphaBitFields:
      return bits === 16 || bits === 32 ? 'plain' : undefined;
    default:
      return undefined;
  }
}

/** Returns the pixel offset that the file states, or the end of the headers when the stated offset is before it. */
function startOf(view: DataView, afterHeaders: number): number {
  const stated = view.getUint32(10, true);
  return stated < afterHeaders ? afterHeaders : stated;
}

function strideOf({ width, bits }: BmpHeader): number {
  return Math.ceil((width * bits) / 32) * 4;
}

/** A run-length code of two bytes repeats a pixel at most 255 times. */
const longestRun = 255;
/** Pixels that a run-length file of any size is assumed to hold, because a jump skips pixels without any data. */
const alwaysWarranted = 1_000_000;

/** Returns how many of the rows that the header claims the bytes of the file can hold at most. */
export function rowsHeld(header: BmpHeader, bytes: Uint8Array): number {
  const length = Math.max(0, bytes.length - header.start);
  if (header.coding === 'plain') return Math.min(header.height, Math.floor(length / strideOf(header)));
  const pixels = Math.max(Math.floor(length / 2) * longestRun, length === 0 ? 0 : alwaysWarranted);
  return Math.min(header.height, Math.floor(pixels / header.width));
}

/** Decodes the rows that are in the file, shrunk by a whole factor. Missing rows stay black. */
export function decodeBmp(
  header: BmpHeader,
  bytes: Uint8Array,
  shrinkBy: number,
): { picture: RawPicture; rows: number } {
  const rows = new ShrinkingRows(header, shrinkBy);
  const palette = header.bits <= 8 ? readPalette(header, bytes) : undefined;
  const rgb = new Uint8Array(header.width * 3);
  const put = (row: number): void => rows.add(header.topDown ? row : header.height - 1 - row, rgb);
  if (palette !== undefined && header.coding === 'runLength') {
    new RunDecoder(header, bytes, { palette, rgb, put }).decode();
  } else decodePlain(header, bytes, { palette, rgb, put });
  return { picture: rows.finish(), rows: rows.count };
}

type Target = { palette: Uint8Array; rgb: Uint8Array; put: (row: number) => void };

function decodePlain(
  header: BmpHeader,
  bytes: Uint8Array,
  { palette, rgb, put }: Omit<Target, 'palette'> & { palette: Uint8Array | undefined },
): void {
  const stride = strideOf(header);
  const view = viewOf(bytes);
  const held = rowsHeld(header, bytes);
  for (let row = 0; row < held; row += 1) {
    const from = header.start + row * stride;
    if (palette !== undefined) spreadIndexes(header, bytes, from, { palette, rgb });
    else if (header.bits === 24) swapChannels(bytes, from, rgb);
    else applyMasks(header, view, from, rgb);
    put(row);
  }
}

function spreadIndexes(
  { width, bits }: BmpHeader,
  bytes: Uint8Array,
  from: number,
  { palette, rgb }: Omit<Target, 'put'>,
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
  const [red, green, blue] = [channelOf(masks[0]), channelOf(masks[1]), channelOf(masks[2])];
  for (let x = 0; x < width; x += 1) {
    const pixel = bits === 16 ? view.getUint16(from + x * 2, true) : view.getUint32(from + x * 4, true);
    rgb[x * 3] = ((pixel & red.mask) >>> red.shift) * red.scale + 0.5;
    rgb[x * 3 + 1] = ((pixel & green.mask) >>> green.shift) * green.scale + 0.5;
    rgb[x * 3 + 2] = ((pixel & blue.mask) >>> blue.shift) * blue.scale + 0.5;
  }
}

function channelOf(mask: number): { mask: number; shift: number; scale: number } {
  const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  return { mask, shift, scale: most === 0 ? 0 : 255 / most };
}

function readPalette({ palette: { start, entryBytes, entries } }: BmpHeader, bytes: Uint8Array): Uint8Array {
  const palette = new Uint8Array(256 * 3);
  for (let entry = 0; entry < entries; entry += 1) {
    const from = start + entry * entryBytes;
    for (const channel of [0, 1, 2]) palette[entry * 3 + channel] = bytes[from + 2 - channel] ?? 0;
  }
  return palette;
}

function copyColour(palette: Uint8Array, index: number, rgb: Uint8Array, x: number): void {
  rgb[x * 3] = palette[index * 3] ?? 0;
  rgb[x * 3 + 1] = palette[index * 3 + 1] ?? 0;
  rgb[x * 3 + 2] = palette[index * 3 + 2] ?? 0;
}

const escapes = { endOfLine: 0, endOfPicture: 1, jump: 2 };

/** Decodes runs, literals and jumps. Pixels that a jump skips get the first colour of the palette. */
class RunDecoder {
  readonly #header: BmpHeader;
  readonly #bytes: Uint8Array;
  readonly #target: Target;
  #at: number;
  #x = 0;
  #row = 0;

  constructor(header: BmpHeader, bytes: Uint8Array, target: Target) {
    this.#header = header;
    this.#bytes = bytes;
    this.#target = target;
    this.#at = header.start;
  }

  decode(): void {
    this.#blank();
    while (this.#at + 2 <= this.#bytes.length && this.#row < this.#header.height) this.#step();
    // Emits the last row of a file that is truncated or has no end mark.
    if (this.#x > 0 && this.#row < this.#header.height) this.#target.put(this.#row);
  }

  #step(): void {
    const bytes = this.#bytes;
    const [count, second] = [bytes[this.#at] ?? 0, bytes[this.#at + 1] ?? 0];
    this.#at += 2;
    if (count > 0) this.#run(count, second);
    else if (second === escapes.endOfLine) this.#nextRows(1);
    else if (second === escapes.endOfPicture) this.#nextRows(this.#header.height);
    else if (second === escapes.jump) this.#jump(bytes[this.#at] ?? 0, bytes[this.#at + 1] ?? 0);
    else this.#literal(second);
  }

  #run(count: number, value: number): void {
    const colours = this.#header.bits === 8 ? [value, value] : [value >> 4, value & 15];
    for (let pixel = 0; pixel < count; pixel += 1) this.#draw(colours[pixel % 2] ?? 0);
  }

  #literal(count: number): void {
    const isByte = this.#header.bits === 8;
    for (let pixel = 0; pixel < count; pixel += 1) {
      const byte = this.#bytes[this.#at + (isByte ? pixel : pixel >> 1)] ?? 0;
      this.#draw(isByte ? byte : pixel % 2 === 0 ? byte >> 4 : byte & 15);
    }
    const length = isByte ? count : Math.ceil(count / 2);
    // Literals are padded to a whole word of two bytes.
    this.#at += length + (length % 2);
  }

  #jump(right: number, up: number): void {
    this.#at += 2;
    const column = this.#x + right;
    this.#nextRows(up);
    this.#x = column;
  }

  #draw(index: number): void {
    if (this.#x < this.#header.width) copyColour(this.#target.palette, index, this.#target.rgb, this.#x);
    this.#x += 1;
  }

  #nextRows(count: number): void {
    const end = Math.min(this.#header.height, this.#row + count);
    for (; this.#row < end; this.#row += 1) {
      this.#target.put(this.#row);
      this.#x = 0;
      this.#blank();
    }
  }

  #blank(): void {
    const { palette, rgb } = this.#target;
    for (let x = 0; x < this.#header.width; x += 1) copyColour(palette, 0, rgb, x);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
