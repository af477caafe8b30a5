import type { Size } from './formats.ts';

/** Properties of an image that are known before it is decoded. */
export type Layout = {
  format: 'jpeg' | 'png' | 'gif' | 'webp' | 'tiff' | 'avif' | 'heic' | 'bmp';
  /** Size in the file, before the EXIF orientation is applied. */
  stored: Size;
  /** Whether the EXIF orientation turns or mirrors the image, which requires the whole image in memory. */
  turned: boolean;
  channels: number;
  bytesPerSample: 1 | 2;
  /** Whether the file stores the image in several passes: an interlaced PNG or a JPEG of several scans. */
  passes: boolean;
  /** Memory for the coefficients of a JPEG; 0 unless the JPEG has several scans. Absent for other formats. */
  coefficientBytes?: number;
  /** Whether the image is a WebP that is decoded row by row. */
  rowwise?: boolean;
};

/** The longer side of the final image, in pixels. */
const wantedSide = 4_096;
/** Memory for row buffers and for the encoder of the result. */
const usualBytes = 24 * 1024 * 1024;
const shrinkFactors = [8, 4, 2];

/** Whether the image can be shrunk while it is decoded. */
export function shrinksOnLoad({ format, rowwise }: Layout): boolean {
  return format === 'jpeg' || format === 'bmp' || (format === 'webp' && rowwise === true);
}

/**
 * Estimates from the headers the most memory that decoding takes, in bytes. `wholly`: the image is not shrunk while it
 * is decoded, which makes a difference for JPEG and WebP only.
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
      // A single strip may hold the whole image.
      return usualBytes + whole * (turned ? 2 : 1);
    case 'gif':
      // The canvas of the decoder and the frame, each with 4 bytes per pixel.
      return usualBytes + pixels * 8;
    case 'avif':
      // The planes of the decoder and the image in RGB or RGBA.
      return usualBytes + pixels * (3 + channels) * bytesPerSample;
    case 'heic':
      // The planes of the decoder, the assembled tiles, and the image in RGB.
      return usualBytes + pixels * 6 + Math.min(pixels, (2 * wantedSide) ** 2) * 3;
    case 'bmp':
      return usualBytes + Math.min(pixels, (2 * wantedSide) ** 2) * 3;
  }
}

function loadFactor({ width, height }: Size): number {
  const longer = Math.max(width, height);
  return shrinkFactors.find((factor) => longer / factor >= wantedSide) ?? 1;
}

/**
 * The factor by which the BMP and HEIC decoders shrink an image: the largest whole factor that leaves at least
 * `wantedSide` pixels on the longer side, and 1 for an image that is smaller.
 */
export function ownShrink({ width, height }: Size): number {
  return Math.max(1, Math.floor(Math.max(width, height) / wantedSide));
}
