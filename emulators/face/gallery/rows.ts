import type { VectorPage } from '../storage/vectorPages.ts';
import {
  locateBias,
  locateFace,
  locatePerson,
  locateScale,
  locateVector,
  computeLayout,
  idBytes,
  listRows,
  rowsPerBlock,
  type Layout,
  type Row,
} from './block.ts';
import type { Loaded } from './load.ts';
import type { GalleryMemory } from './memory.ts';
import { writeUuid } from './uuid.ts';
import { countDimensions, refuseOtherDimensions, stagingBytes, writePage } from './write.ts';

/**
 * The faces of one collection in the shared memory. A face never moves, and removal leaves an empty row for a later
 * face, so that threads may scan the rows while they change. A result may therefore be slightly outdated, and callers
 * look each found face up in the store.
 */
export class Rows {
  readonly memory: GalleryMemory;
  readonly #blocks: number[] = [];
  readonly #empty: Row[] = [];
  #layout: Layout = computeLayout(0);
  #dimensions = 0;
  #size = 0;
  #error = 0;

  constructor(memory: GalleryMemory) {
    this.memory = memory;
  }

  get blocks(): readonly number[] {
    return this.#blocks;
  }

  get layout(): Layout {
    return this.#layout;
  }

  /** The length of the vectors. */
  get dimensions(): number {
    return this.#dimensions;
  }

  /** The number of faces. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the memory that the blocks take. */
  get bytes(): number {
    return this.#blocks.length * this.#layout.bytes;
  }

  /** The largest distance between a vector and its quantised row. */
  get error(): number {
    return this.#error;
  }

  /** @throws Error for vectors of another length, which come from another model */
  add(page: Omit<VectorPage, 'upTo'>): void {
    if (page.count === 0) return;
    const dimensions = countDimensions(page);
    if (this.#dimensions === 0 && Number.isInteger(dimensions)) {
      this.#dimensions = dimensions;
      this.#layout = computeLayout(dimensions);
    }
    refuseOtherDimensions(dimensions, this.#dimensions);
    const places = Array.from({ length: page.count }, () => this.#takeRow());
    const { memory } = this;
    const layout = this.#layout;
    const staging = memory.allocate(stagingBytes(layout));
    try {
      const target = { kernel: memory.kernel, views: memory.views(), layout, staging };
      this.#error = Math.max(this.#error, writePage(target, page, places));
      this.#size += page.count;
    } finally {
      memory.release(staging, stagingBytes(layout));
    }
  }

  /** Takes over blocks that another thread has filled from their first row on. */
  adopt(added: readonly number[], { count, error }: Loaded): void {
    this.#addBlocks(added, count);
    this.#error = Math.max(this.#error, error);
  }

  removeFace(faceId: string): void {
    this.#removeWhere(locateFace, faceId, 1);
  }

  removePerson(personId: string): void {
    this.#removeWhere(locatePerson, personId, Infinity);
  }

  /** Overwrites and releases all blocks. */
  release(): void {
    for (const block of this.#blocks) this.memory.release(block, this.#layout.bytes);
    this.#blocks.length = 0;
    this.#empty.length = 0;
    this.#size = 0;
  }

  #takeRow(): Row {
    if (this.#empty.length === 0) this.#addBlocks([this.memory.allocate(this.#layout.bytes)], 0);
    return this.#empty.pop() ?? { block: 0, row: 0 };
  }

  /** @param filled the number of rows, from the first on, that already hold faces */
  #addBlocks(added: readonly number[], filled: number): void {
    this.#blocks.push(...added);
    this.#size += filled;
    // In reverse, since rows are taken from the end.
    this.#empty.push(...listRows(added).slice(filled).toReversed());
  }

  /** Empties up to `atMost` rows whose ID at this address is the given one. */
  #removeWhere(locate: typeof locatePerson, id: string, atMost: number): void {
    const wanted = Buffer.alloc(idBytes);
    writeUuid(Buffer.from(id, 'latin1'), 0, wanted, 0);
    const [first, layout, { bytes, ints }] = [wanted.readInt32LE(), this.#layout, this.memory.views()];
    let found = 0;
    for (const block of this.#blocks) {
      for (let row = 0; row < rowsPerBlock && found < atMost; row += 1) {
        const at = locate(layout, { block, row });
        if (ints[at / 4] !== first || bytes.compare(wanted, 0, idBytes, at, at + idBytes) !== 0) continue;
        this.#wipe({ block, row });
        found += 1;
      }
    }
  }

  #wipe(place: Row): void {
    const { bytes, floats, ints } = this.memory.views();
    const layout = this.#layout;
    bytes.fill(0, locatePerson(layout, place), locateFace(layout, place) + idBytes);
    bytes.fill(0, locateVector(layout, place), locateVector(layout, place) + layout.width);
    floats[locateScale(layout, place) / Float32Array.BYTES_PER_ELEMENT] = 0;
    ints[locateBias(layout, place) / Int32Array.BYTES_PER_ELEMENT] = 0;
    this.#empty.push(place);
    this.#size -= 1;
  }
}
