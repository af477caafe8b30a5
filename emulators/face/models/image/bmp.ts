import { ImageRefused } from '../../contract/vision.ts';

export function isBmp(bytes: Uint8Array): boolean {
  return bytes.length > 54 && bytes[0] === 0x42 && bytes[1] === 0x4d;
}

/** Decodes uncompressed BMP of 24 or 32 bits, which sharp does not read. @throws ImageRefused */
export function decodeBmp(
  bytes: Uint8Array,
  largestPixels: number,
): { data: Uint8Array; width: number; height: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = view.getUint32(10, true);
  const width = view.getInt32(18, true);
  // A negative height means that the rows are from top to bottom.
  const rows = view.getInt32(22, true);
  const height = Math.abs(rows);
  const depth = view.getUint16(28, true) / 8;
  const compression = view.getUint32(30, true);
  const uncompressed = compression === 0 || (compression === 3 && depth === 4);
  if ((depth !== 3 && depth !== 4) || !uncompressed || width <= 0 || height <= 0) {
    throw new ImageRefused('not_decodable', 'only uncompressed BMP of 24 or 32 bits is read');
  }
  if (width * height > largestPixels) throw new ImageRefused('too_big', 'the image has too many pixels');
  const stride = Math.ceil((width * depth) / 4) * 4;
  if (start + stride * height > bytes.length) throw new ImageRefused('not_decodable', 'the BMP is cut short');
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    const row = start + (rows > 0 ? height - 1 - y : y) * stride;
    for (let x = 0; x < width; x += 1) {
      const from = row + x * depth;
      const to = (y * width + x) * 3;
      data[to] = bytes[from + 2] ?? 0;
      data[to + 1] = bytes[from + 1] ?? 0;
      data[to + 2] = bytes[from] ?? 0;
    }
  }
  return { data, width, height };
}
