import { faceLimits } from '../face/client.ts';
import type { FaceRectangle } from '../face/types.ts';
import type { Size } from './formats.ts';

/** Parts are worth their calls only if they are shrunk by at most this share of the factor for the whole image. */
const finerBy = 0.8;

/**
 * Returns at most `atMost` parts that cover an image which Face accepts only shrunk. The parts form the grid that has
 * to be shrunk least. Neighbouring parts overlap by twice the side of the largest face that becomes too small for Face
 * in the shrunk image, so that one part shows such a face whole. Returns no parts if they would show hardly more detail
 * than the whole image.
 */
export function splitIntoParts(size: Size, atMost: number): FaceRectangle[] {
  const longer = Math.max(size.width, size.height);
  const overlap = Math.ceil((2 * faceLimits.smallestFace * longer) / faceLimits.imageSide);
  const grids = Array.from({ length: atMost }, (_, column) => column + 1).flatMap((columns) =>
    Array.from({ length: Math.floor(atMost / columns) }, (_, row) => {
      const [across, down] = [spans(size.width, columns, overlap), spans(size.height, row + 1, overlap)];
      const side = Math.max(...[...across, ...down].map(({ length }) => length));
      return { across, down, shrink: Math.max(1, side / faceLimits.imageSide) };
    }),
  );
  const [best] = grids.toSorted(
    (one, other) =>
      one.shrink - other.shrink ||
      one.across.length * one.down.length - other.across.length * other.down.length,
  );
  const isFiner = best !== undefined && best.shrink <= (finerBy * longer) / faceLimits.imageSide;
  if (!isFiner) return [];
  return best.down.flatMap(({ start: top, length: height }) =>
    best.across.map(({ start: left, length: width }) => ({ left, top, width, height })),
  );
}

/** Returns `count` spans of equal length that cover a side, each overlapping the next. `overlap` is in pixels. */
function spans(side: number, count: number, overlap: number): { start: number; length: number }[] {
  const length = Math.min(side, Math.ceil((side + (count - 1) * overlap) / count));
  return Array.from({ length: count }, (_, index) => ({
    start: count === 1 ? 0 : Math.round((index * (side - length)) / (count - 1)),
    length,
  }));
}

/** Merges the faces of all parts, largest first. A face found in several parts is kept once, at its largest size. */
export function mergeFaces<Face extends { faceRectangle: FaceRectangle }>(faces: readonly Face[]): Face[] {
  const kept: Face[] = [];
  for (const face of faces.toSorted((a, b) => toArea(b.faceRectangle) - toArea(a.faceRectangle))) {
    if (!kept.some((other) => isSameFace(other.faceRectangle, face.faceRectangle))) kept.push(face);
  }
  return kept;
}

/** Whether more than half of the smaller rectangle lies on the larger one. */
function isSameFace(one: FaceRectangle, other: FaceRectangle): boolean {
  const width = shared(one.left, one.width, other.left, other.width);
  const height = shared(one.top, one.height, other.top, other.height);
  return width * height > Math.min(toArea(one), toArea(other)) / 2;
}

function shared(start: number, length: number, otherStart: number, otherLength: number): number {
  return Math.max(0, Math.min(start + length, otherStart + otherLength) - Math.max(start, otherStart));
}

function toArea({ width, height }: FaceRectangle): number {
  return width * height;
}
