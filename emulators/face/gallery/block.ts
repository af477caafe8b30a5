import type { Views } from './memory.ts';

/** A multiple of four, which the kernel needs. Small, since each collection in memory takes at least one block. */
export const rowsPerBlock = 256;

export const idBytes = 16;

/**
 * The layout of a block of faces, in bytes: vectors, then scales, then biases, then for each row the IDs of its person
 * and its face. The IDs of an empty row are zero.
 */
export function computeLayout(dimensions: number) {
  const width = Math.ceil(dimensions / 16) * 16;
  const scales = rowsPerBlock * width;
  const biases = scales + rowsPerBlock * Float32Array.BYTES_PER_ELEMENT;
  const ids = biases + rowsPerBlock * Int32Array.BYTES_PER_ELEMENT;
  return { width, scales, biases, ids, bytes: ids + rowsPerBlock * 2 * idBytes };
}

export type Layout = ReturnType<typeof computeLayout>;

/** The place of a face: the address of its block and the number of its row. */
export type Row = { block: number; row: number };

/** All rows of these blocks, in order. */
export function listRows(blocks: readonly number[]): Row[] {
  return blocks.flatMap((block) => Array.from({ length: rowsPerBlock }, (_, row) => ({ block, row })));
}

export function locatePerson({ ids }: Layout, { block, row }: Row): number {
  return block + ids + row * 2 * idBytes;
}

export function locateFace(layout: Layout, place: Row): number {
  return locatePerson(layout, place) + idBytes;
}

export function locateVector({ width }: Layout, { block, row }: Row): number {
  return block + row * width;
}

export function locateScale({ scales }: Layout, { block, row }: Row): number {
  return block + scales + row * Float32Array.BYTES_PER_ELEMENT;
}

export function locateBias({ biases }: Layout, { block, row }: Row): number {
  return block + biases + row * Int32Array.BYTES_PER_ELEMENT;
}

/** The ID of the row's person as a key of maps; undefined for an empty row. */
export function readPersonKey({ bytes }: Views, layout: Layout, place: Row): string | undefined {
  const at = locatePerson(layout, place);
  const key = bytes.toString('latin1', at, at + idBytes);
  return key === emptyKey ? undefined : key;
}

const emptyKey = '\0'.repeat(idBytes);
