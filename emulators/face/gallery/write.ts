import type { VectorPage } from '../storage/vectorPages.ts';
import { biasAt, faceAt, personAt, scaleAt, vectorAt, type Layout, type Row } from './block.ts';
import type { Kernel } from './kernel.ts';
import type { Views } from './memory.ts';
import { uuidLength, writeUuid } from './uuid.ts';

/** Where faces are written to. `staging`: room for the floats of one, zero beyond them. */
export type Target = { kernel: Kernel; views: Views; layout: Layout; staging: number };

export function stagingBytes({ width }: Layout): number {
  return width * Float32Array.BYTES_PER_ELEMENT;
}

/** Writes the faces of a page into the first of these rows; the result is the most that one leaves out of its vector. */
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
    const [row, scale, bias] = [vectorAt(layout, place), scaleAt(layout, place), biasAt(layout, place)];
    error = Math.max(error, kernel.quantise(staging, layout.width, row, scale, bias));
    writeUuid(personIds, index * uuidLength, bytes, personAt(layout, place));
    writeUuid(faceIds, index * uuidLength, bytes, faceAt(layout, place));
  }
  return error;
}

/** Numbers of each vector of a page. */
export function numbersOf({ count, vectors }: Omit<VectorPage, 'upTo'>): number {
  return vectors.length / count / Float32Array.BYTES_PER_ELEMENT;
}

/** @throws Error: vectors of another length come from another model */
export function refuseOtherNumbers(length: number, numbers: number): void {
  if (length !== numbers) throw new Error(`a vector of ${length} numbers among vectors of ${numbers}`);
}
