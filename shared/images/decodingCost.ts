import type { Size } from './formats.ts';

/** What is known of a picture before it is decoded. */
export type Layout = {
  format: 'jpeg' | 'png' | 'gif' | 'webp' | 'tiff' | 'avif' | 'heic' | 'bmp';
  /** As it stands in the file. */
  stored: Size;
  /** Whether the orientation turns it, for which it is held as a whole. */
  turned: boolean;
  channels: number;
  bytesPerSample: 1 | 2;
  /** Whether the file holds it in several passes: a PNG that is interlaced, a JPEG of several scans. */
  passes: boolean;
  /** Of a JPEG in several scans. */
  coefficientBytes?: number;
  /** Whether a WebP is of the kind that is decoded row by row. */
  rowwise?: boolean;
};

/** The longer side that is wanted at the end. */
const wantedSide = 4_096;
/** Buffers of rows, and the encoder of the result. */
const usualBytes = 24 * 1024 * 1024;
const shrinkFactors = [8, 4, 2];

/** Whether the format lets a picture be shrunk while it is decoded. */
export function shrinksOnLoad({ format, rowwise }: Layout): boolean {
  return format === 'jpeg' || format === 'bmp' || (format === 'webp' && rowwise === true);
}

/**
 * The memory that decoding takes at most, in bytes, as far as the headers tell. `wholly`: without shrinking it on the way,
 * where the format lets it be read so.
 */
export function decodingBytes(layout: Layout, { wholly = false } = {}): number {
  const { format, stored, turned, channels, bytesPerSample, passes } = layout;
  const pixels = stored.width * stored.height;
  const whole = pixels * channels * bytesPerSample;
  switch (format) {
    case 'jpeg': {
      const loaded = pixels / (wholly ? 1 : loadFactor(stored)) ** 2;
      return usualBytes + (layout.coefficientBytes ?? 0) + (turned ? loaded * channels : 0);
    }
    case 'png':
      return usualBytes + (passes || turned ? whole : 0);
    case 'webp':
      return (
        usualBytes +
        (layout.rowwise === true && !wholly ? 0 : pixels * 5) +
        Math.min(pixels, wantedSide ** 2) * channels
      );
    case 'tiff':
      // A strip may be the whole picture.
      return usualBytes + whole * (turned ? 2 : 1);
    case 'gif':
      // The canvas of the decoder, and the frame.
      return usualBytes + pixels * 8;
    case 'avif':
      // Planes of the decoder, and the picture in RGB.
      return usualBytes + pixels * (3 + channels) * bytesPerSample;
    case 'heic':
      // Planes of the decoder, the tiles put together, and the picture in RGB.
      return usualBytes + pixels * 6 + Math.min(pixels, (2 * wantedSide) ** 2) * 3;
    case 'bmp':
      return usualBytes + Math.min(pixels, (2 * wantedSide) ** 2) * 3;
  }
}

function loadFactor({ width, height }: Size): number {
  const longer = Math.max(width, height);
  return shrinkFactors.find((factor) => longer / factor >= wantedSide) ?? 1;
}

/** By what our own decoders shrink a picture, so that its longer side stays at least as long as is wanted. */
export function ownShrink({ width, height }: Size): number {
  return Math.max(1, Math.floor(Math.max(width, height) / wantedSide));
}
