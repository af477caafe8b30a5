import type { VectorPage } from '../storage/vectorPages.ts';
import {
  locateBias,
  locateFace,
  locatePerson,
  locateScale,
  locateVector,
  type Layout,
  type Row,
} from './block.ts';
import type { Kernel } from './kernel.ts';
import type { Views } from './memory.ts';
import { uuidLength, writeUuid } from './uuid.ts';

/** The memory to write faces to. `staging` is memory for the floats of one vector, followed by zeros. */
export type Target = { kernel: Kernel; views: Views; layout: Layout; staging: number };

export function stagingBytes({ width }: Layout): number {
  return width * Float32Array.BYTES_PER_ELEMENT;
}

/** Writes a page of faces into the first of these rows; returns the largest distance of a vector to its row. */
export function writePage(
  { kernel, views, layout, staging }: Target,
  { count, personIds, faceIds, vectors }: Omit<VectorPage, 'upTo'>,
  places: readonly Row[],
): number {
  const { bytes } = views;
  const length = vectors.length / count;
  let error = 0;
  for (const [index, place] of places.slice(0, count).entries()) {
    bytes.set(vectors.subarray(index * length, (index + 1) * length), staging);
    const [row, scale, bias] = [
      locateVector(layout, place),
      locateScale(layout, place),
      locateBias(layout, place),
    ];
    error = Math.max(error, kernel.quantise(staging, layout.width, row, scale, bias));
    writeUuid(personIds, index * uuidLength, bytes, locatePerson(layout, place));
    writeUuid(faceIds, index * uuidLength, bytes, locateFace(layout, place));
  }
  return error;
}

/** The length of the vectors of a page. */
export function countDimensions({ count, vectors }: Omit<VectorPage, 'upTo'>): number {
  return vectors.length / count / Float32Array.BYTES_PER_ELEMENT;
}

/** @throws Error for vectors of another length, which come from another model */
export function refuseOtherDimensions(given: number, expected: number): void {
  if (given !== expected) throw new Error(`a vector of ${given} numbers among vectors of ${expected}`);
}
