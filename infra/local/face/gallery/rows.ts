import {
  biasAt,
  faceAt,
  idBytes,
  layoutOf,
  personAt,
  rowsOfBlock,
  scaleAt,
  vectorAt,
  type Layout,
  type Row,
} from './block.ts';
import type { VectorPage } from '../store.ts';
import type { GalleryMemory } from './memory.ts';
import { uuidLength, writeUuid } from './uuid.ts';

/**
 * The faces of one collection in the shared memory. A face never moves while it is there, and a removed one leaves an
 * empty row for the next: threads may look through the rows while they change. What they then find may be older or
 * newer by a moment; whoever uses it looks the face up.
 */
export function createRows(memory: GalleryMemory) {
  let numbers = 0;
  let layout: Layout = layoutOf(0);
  const blocks: number[] = [];
  const empty: Row[] = [];
  let size = 0;
  let error = 0;

  function refuseOtherNumbers(length: number): void {
    if (length !== numbers) throw new Error(`a vector of ${length} numbers among vectors of ${numbers}`);
  }

  function nextRow(): Row {
    const again = empty.pop();
    if (again !== undefined) return again;
    // Without an empty row all blocks are full, or the last one is filled in order.
    const row = size % rowsOfBlock;
    if (row === 0) blocks.push(memory.allocate(layout.bytes));
    return { block: blocks.at(-1) ?? 0, row };
  }

  /** `staging`: where its floats go first, zero beyond them. */
  function write(place: Row, vector: Float32Array, staging: number): void {
    memory.views().floats.set(vector, staging / Float32Array.BYTES_PER_ELEMENT);
    const [scale, bias] = [scaleAt(layout, place), biasAt(layout, place)];
    const left = memory.kernel.quantise(staging, layout.width, vectorAt(layout, place), scale, bias);
    error = Math.max(error, left);
  }

  function wipe(place: Row): void {
    const { bytes, floats, ints } = memory.views();
    bytes.fill(0, personAt(layout, place), faceAt(layout, place) + idBytes);
    bytes.fill(0, vectorAt(layout, place), vectorAt(layout, place) + layout.width);
    floats[scaleAt(layout, place) / Float32Array.BYTES_PER_ELEMENT] = 0;
    ints[biasAt(layout, place) / Int32Array.BYTES_PER_ELEMENT] = 0;
    empty.push(place);
    size -= 1;
  }

  /** Empties the rows whose ID at this place is the given one, `atMost` of them. */
  function removeWhere(idAt: typeof personAt, id: string, atMost: number): void {
    const wanted = Buffer.alloc(idBytes);
    writeUuid(Buffer.from(id, 'latin1'), 0, wanted, 0);
    const [first, { bytes, ints }] = [wanted.readInt32LE(), memory.views()];
    let found = 0;
    for (const block of blocks) {
      for (let row = 0; row < rowsOfBlock && found < atMost; row += 1) {
        const at = idAt(layout, { block, row });
        if (ints[at / 4] !== first || bytes.compare(wanted, 0, idBytes, at, at + idBytes) !== 0) continue;
        wipe({ block, row });
        found += 1;
      }
    }
  }

  return {
    memory,
    size: () => size,
    /** What it takes of the memory. */
    bytes: () => blocks.length * layout.bytes,
    blocks: (): readonly number[] => blocks,
    layout: () => layout,
    numbers: () => numbers,
    /** The most that a row leaves out of its vector. */
    error: () => error,
    refuseOtherNumbers,
    /** @throws Error for vectors of another length: they come from another model */
    add({ count, personIds, faceIds, vectors }: Omit<VectorPage, 'upTo'>): void {
      if (count === 0) return;
      const length = vectors.length / count;
      if (numbers === 0 && Number.isInteger(length)) [numbers, layout] = [length, layoutOf(length)];
      refuseOtherNumbers(length);
      const staging = memory.allocate(layout.width * Float32Array.BYTES_PER_ELEMENT);
      for (let index = 0; index < count; index += 1) {
        const place = nextRow();
        write(place, vectors.subarray(index * length, (index + 1) * length), staging);
        const { bytes } = memory.views();
        writeUuid(personIds, index * uuidLength, bytes, personAt(layout, place));
        writeUuid(faceIds, index * uuidLength, bytes, faceAt(layout, place));
        size += 1;
      }
      memory.release(staging, layout.width * Float32Array.BYTES_PER_ELEMENT);
    },
    removeFace: (faceId: string) => removeWhere(faceAt, faceId, 1),
    removePerson: (personId: string) => removeWhere(personAt, personId, Infinity),
    /** Nothing of it stays in memory. */
    release(): void {
      for (const block of blocks) memory.release(block, layout.bytes);
      blocks.length = 0;
      empty.length = 0;
      size = 0;
    },
  };
}

export type Rows = ReturnType<typeof createRows>;
