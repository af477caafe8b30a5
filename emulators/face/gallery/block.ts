import type { Views } from './memory.ts';

/** A multiple of four, for the kernel. Small, since each collection in memory has at least one block. */
export const rowsOfBlock = 256;

export const idBytes = 16;

/**
 * How a block of faces lies in memory: its vectors side by side, then their scales, their biases, and for each the
 * IDs of its person and of itself. Offsets in bytes. A row whose IDs are zero is empty.
 */
export function layoutOf(numbers: number) {
  const width = Math.ceil(numbers / 16) * 16;
  const scales = rowsOfBlock * width;
  const biases = scales + rowsOfBlock * Float32Array.BYTES_PER_ELEMENT;
  const ids = biases + rowsOfBlock * Int32Array.BYTES_PER_ELEMENT;
  return { width, scales, biases, ids, bytes: ids + rowsOfBlock * 2 * idBytes };
}

export type Layout = ReturnType<typeof layoutOf>;

/** Where a face is: the address of its block and its number there. */
export type Row = { block: number; row: number };

/** All rows of some blocks, in order. */
export function rowsOf(blocks: readonly number[]): Row[] {
  return blocks.flatMap((block) => Array.from({ length: rowsOfBlock }, (_, row) => ({ block, row })));
}

/** Where the ID of its person is. */
export function personAt({ ids }: Layout, { block, row }: Row): number {
  return block + ids + row * 2 * idBytes;
}

export function faceAt(layout: Layout, place: Row): number {
  return personAt(layout, place) + idBytes;
}

export function vectorAt({ width }: Layout, { block, row }: Row): number {
  return block + row * width;
}

export function scaleAt({ scales }: Layout, { block, row }: Row): number {
  return block + scales + row * Float32Array.BYTES_PER_ELEMENT;
}

export function biasAt({ biases }: Layout, { block, row }: Row): number {
  return block + biases + row * Int32Array.BYTES_PER_ELEMENT;
}

/** A person as a key of maps; undefined where the row is empty. */
export function personKey({ bytes }: Views, layout: Layout, place: Row): string | undefined {
  const at = personAt(layout, place);
  const key = bytes.toString('latin1', at, at + idBytes);
  return key === nobody ? undefined : key;
}

const nobody = '\0'.repeat(idBytes);
