import { crc32 } from 'node:zlib';
import sharp from 'sharp';

/* Pictures of a few hundred bytes whose headers promise hundreds of megapixels. */

const small = sharp({ create: { width: 64, height: 64, channels: 3, background: '#888' } });

/** 40,000 × 40,000 pixels. */
export async function pngBomb(): Promise<Buffer> {
  const bytes = await small.clone().png().toBuffer();
  bytes.writeUInt32BE(40_000, 16);
  bytes.writeUInt32BE(40_000, 20);
  // The checksum of the header's chunk, from its name on.
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}

/** 60,000 × 60,000 pixels. */
export async function jpegBomb(): Promise<Buffer> {
  const bytes = await small.clone().jpeg().toBuffer();
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(60_000, frame + 5);
  bytes.writeUInt16BE(60_000, frame + 7);
  return bytes;
}

/** 65,535 × 65,535 pixels. */
export async function gifBomb(): Promise<Buffer> {
  const bytes = await small.clone().gif().toBuffer();
  const frame = bytes.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, 64, 0, 64, 0]));
  for (const at of [6, 8, frame + 5, frame + 7]) bytes.writeUInt16LE(65_535, at);
  return bytes;
}

/** 16,383 × 16,383 pixels, the most that WebP has. */
export async function webpBomb(): Promise<Buffer> {
  const bytes = await small.clone().webp().toBuffer();
  const frame = bytes.indexOf(Buffer.from([0x9d, 0x01, 0x2a]));
  bytes.writeUInt16LE(16_383, frame + 3);
  bytes.writeUInt16LE(16_383, frame + 5);
  return bytes;
}

/** 40,000 × 40,000 pixels. */
export async function tiffBomb(): Promise<Buffer> {
  const bytes = await small.clone().tiff().toBuffer();
  const directory = bytes.readUInt32LE(4);
  for (let entry = 0; entry < bytes.readUInt16LE(directory); entry += 1) {
    const at = directory + 2 + entry * 12;
    const [width, height] = [0x0100, 0x0101];
    if (![width, height].includes(bytes.readUInt16LE(at))) continue;
    // As a LONG.
    bytes.writeUInt16LE(4, at + 2);
    bytes.writeUInt32LE(40_000, at + 8);
  }
  return bytes;
}

/** 16,000 × 16,000 pixels. */
export async function avifBomb(): Promise<Buffer> {
  const bytes = await small.clone().avif({ effort: 0 }).toBuffer();
  const extents = bytes.indexOf('ispe');
  bytes.writeUInt32BE(16_000, extents + 8);
  bytes.writeUInt32BE(16_000, extents + 12);
  return bytes;
}

/** 40,000 × 40,000 pixels. */
export function bmpBomb(): Buffer {
  const bytes = Buffer.alloc(54 + 64);
  bytes.write('BM');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(40_000, 18);
  bytes.writeInt32LE(40_000, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}
