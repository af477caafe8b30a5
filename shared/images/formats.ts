export type Size = { width: number; height: number };

/** Bytes at the start of a file that are searched for the SVG tag. */
const drawingWithin = 4_096;

/** libvips takes a file for an SVG if it begins with so many bytes of ASCII and has the tag soon after. */
const asciiOfDrawing = 24;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Whether the file is an SVG, judged by its first bytes as libvips does. An SVG is never given to an SVG parser; a
 * photograph that has the tag in its metadata is no SVG.
 */
export function isDrawing(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, drawingWithin));
  const text = head.subarray(0, 3).equals(byteOrderMark) ? head.subarray(3) : head;
  return (
    text.subarray(0, asciiOfDrawing).every((byte) => byte < 0x80) &&
    /<svg[\s>]/i.test(text.toString('latin1'))
  );
}

/** Whether the chunks of a PNG are complete up to the IEND chunk. */
export function isWholePng(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) === 0x49454e44) return true;
  }
  return false;
}

/** Whether a GIF ends with its trailer byte, which only zero bytes may follow. */
export function isWholeGif(bytes: Uint8Array): boolean {
  let last = bytes.length - 1;
  while (last > 0 && bytes[last] === 0) last -= 1;
  return bytes[last] === 0x3b;
}

const riff = { simpleLossy: 'VP8 ' };

/** Whether a WebP is decoded row by row. A lossless, transparent or animated WebP is not. */
export function isRowwiseWebp(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(12, 16)).toString('latin1') === riff.simpleLossy;
}
