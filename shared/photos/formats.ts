export type Size = { width: number; height: number };

/** Lengths of the headers after the 14 bytes of a BMP file: BITMAPINFOHEADER and what grew out of it. */
const bmpHeaders = new Set([40, 52, 56, 64, 108, 124]);
const bmpBits = new Set([1, 4, 8, 16, 24, 32]);

/** Whether these are the bytes of a BMP: a text may begin with BM too, so the header has to be one. */
export function isBmp(bytes: Uint8Array): boolean {
  if (bytes.length < 54 || bytes[0] !== 0x42 || bytes[1] !== 0x4d) return false;
  const view = viewOf(bytes);
  const planes = view.getUint16(26, true);
  return bmpHeaders.has(view.getUint32(14, true)) && planes === 1 && bmpBits.has(view.getUint16(28, true));
}

/** Width at 18, height at 22, negative when the rows run from top to bottom. */
export function sizeOfBmp(bytes: Uint8Array): Size {
  const view = viewOf(bytes);
  return { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
}

const drawingWithin = 4_096;

/** Whether this is an SVG: told by its first characters, never given to a parser of drawings. */
export function isDrawing(bytes: Uint8Array): boolean {
  return /<svg[\s>]/i.test(Buffer.from(bytes.subarray(0, drawingWithin)).toString('latin1'));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
