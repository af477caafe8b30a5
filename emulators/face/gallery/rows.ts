import {
  biasAt,
  faceAt,
  idBytes,
  layoutOf,
  personAt,
  rowsOf,
  rowsOfBlock,
  scaleAt,
  vectorAt,
  type Layout,
  type Row,
} from './block.ts';
import type { VectorPage } from '../storage/vectorPages.ts';
import type { Loaded } from './load.ts';
import type { GalleryMemory } from './memory.ts';
import { writeUuid } from './uuid.ts';
import { numbersOf, refuseOtherNumbers, stagingBytes, writePage } from './write.ts';

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

  function nextRow(): Row {
    if (empty.length === 0) adopt([memory.allocate(layout.bytes)], 0);
    return empty.pop() ?? { block: 0, row: 0 };
  }

  /** Blocks whose first rows are filled. */
  function adopt(added: readonly number[], count: number): void {
    blocks.push(...added);
    size += count;
    // The last is taken first.
    empty.push(...rowsOf(added).slice(count).toReversed());
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
    refuseOtherNumbers: (length: number) => refuseOtherNumbers(length, numbers),
    /** @throws Error for vectors of another length: they come from another model */
    add(page: Omit<VectorPage, 'upTo'>): void {
      if (page.count === 0) return;
      const length = numbersOf(page);
      if (numbers === 0 && Number.isInteger(length)) [numbers, layout] = [length, layoutOf(length)];
      refuseOtherNumbers(length, numbers);
      const places = Array.from({ length: page.count }, nextRow);
      const staging = memory.allocate(stagingBytes(layout));
      try {
        const target = { kernel: memory.kernel, views: memory.views(), layout, staging };
        error = Math.max(error, writePage(target, page, places));
        size += page.count;
      } finally {
        memory.release(staging, stagingBytes(layout));
      }
    },
    /** Faces that another thread has written into these blocks. */
    adopt(added: readonly number[], loaded: Loaded): void {
      adopt(added, loaded.count);
      error = Math.max(error, loaded.error);
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
