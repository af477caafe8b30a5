import type { Size } from './formats.ts';

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
  const view = toView(bytes);
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
  const view = toView(bytes);
  const length = view.getUint32(14, true);
  return length === headerBytes.core ? readCoreHeader(view) : readInfoHeader(view, length);
}

function readCoreHeader(view: DataView): BmpHeader {
  const bits = view.getUint16(24, true);
  const palette = {
    start: fileHeaderBytes + headerBytes.core,
    entryBytes: 3 as const,
    entries: countColours(bits),
  };
  return {
    width: view.getUint16(18, true),
    height: view.getUint16(20, true),
    bits,
    coding: 'plain',
    topDown: false,
    masks: usualMasks[32],
    palette,
    start: readStart(view, palette.start),
    common: false,
  };
}

function readInfoHeader(view: DataView, length: number): BmpHeader | undefined {
  const field = (at: number): number => (at + 4 <= fileHeaderBytes + length ? view.getUint32(at, true) : 0);
  const bits = view.getUint16(28, true);
  const compression = field(30);
  const coding = toCoding(compression, bits, length);
  if (coding === undefined) return undefined;
  const rows = view.getInt32(22, true);
  const isMasked = compression === compressions.bitFields || compression === compressions.alphaBitFields;
  const maskBytes = compression === compressions.bitFields ? 12 : 16;
  const afterMasks = fileHeaderBytes + length + (isMasked && length === 40 ? maskBytes : 0);
  const used = field(46);
  const entries = used === 0 ? countColours(bits) : Math.min(used, countColours(bits));
  return {
    width: view.getInt32(18, true),
    height: Math.abs(rows),
    bits,
    coding,
    topDown: rows < 0,
    masks:
      isMasked && view.byteLength >= 66
        ? [view.getUint32(54, true), view.getUint32(58, true), view.getUint32(62, true)]
        : usualMasks[bits === 16 ? 16 : 32],
    palette: { start: afterMasks, entryBytes: 4, entries },
    start: readStart(view, afterMasks),
    common: length === 40 && bits === 24 && compression === compressions.none && rows > 0,
  };
}

/** How many colours a palette has at most; 0 for pixels that hold their colour. */
function countColours(bits: number): number {
  return bits <= 8 ? 2 ** bits : 0;
}

function toCoding(compression: number, bits: number, length: number): BmpHeader['coding'] | undefined {
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
function readStart(view: DataView, afterHeaders: number): number {
  const stated = view.getUint32(10, true);
  return stated < afterHeaders ? afterHeaders : stated;
}

/** Bytes of a row in a file that is not run-length coded. */
export function rowBytes({ width, bits }: BmpHeader): number {
  return Math.ceil((width * bits) / 32) * 4;
}

/** A run-length code of two bytes repeats a pixel at most 255 times. */
const longestRun = 255;
/** Pixels that a run-length file of any size is assumed to hold, because a jump skips pixels without any data. */
const alwaysWarranted = 1_000_000;

/** Returns how many of the rows that the header claims the bytes of the file can hold at most. */
export function rowsHeld(header: BmpHeader, bytes: Uint8Array): number {
  const length = Math.max(0, bytes.length - header.start);
  if (header.coding === 'plain') return Math.min(header.height, Math.floor(length / rowBytes(header)));
  const pixels = Math.max(Math.floor(length / 2) * longestRun, length === 0 ? 0 : alwaysWarranted);
  return Math.min(header.height, Math.floor(pixels / header.width));
}

export function toView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
