import type { FaceRectangle } from '../face/types.ts';
import type { Size } from './formats.ts';

/** An image that Face accepts. */
export type PreparedImage = {
  bytes: Uint8Array;
  /** Size of the upright original. */
  size: Size;
  /** Whether the image was shrunk and its parts can be prepared with less shrinking. */
  hasFinerParts: boolean;
  /** Converts pixels of the prepared image to pixels of the upright original. */
  toOriginal(rectangle: FaceRectangle): FaceRectangle;
  /** Converts pixels of the upright original to pixels of the prepared image. */
  toPrepared(rectangle: FaceRectangle): FaceRectangle;
};

export type ConvertedImage = Omit<PreparedImage, 'hasFinerParts'>;

export function toPreparedImage(
  bytes: Uint8Array,
  size: Size,
  original: Size,
  part: FaceRectangle = { left: 0, top: 0, ...original },
): ConvertedImage {
  return {
    bytes,
    size: original,
    toOriginal(rectangle) {
      const { left, top, ...rest } = scale(rectangle, size, part);
      return { left: left + part.left, top: top + part.top, ...rest };
    },
    toPrepared({ left, top, ...rest }) {
      return scale({ left: left - part.left, top: top - part.top, ...rest }, part, size);
    },
  };
}

/** Scales a rectangle, and rounds and clips it to whole pixels inside the target. */
export function scale(rectangle: FaceRectangle, from: Size, to: Size): FaceRectangle {
  const x = to.width / from.width;
  const y = to.height / from.height;
  const left = Math.min(Math.max(0, Math.round(rectangle.left * x)), to.width - 1);
  const top = Math.min(Math.max(0, Math.round(rectangle.top * y)), to.height - 1);
  return {
    left,
    top,
    width: Math.max(1, Math.min(Math.round(rectangle.width * x), to.width - left)),
    height: Math.max(1, Math.min(Math.round(rectangle.height * y), to.height - top)),
  };
}
