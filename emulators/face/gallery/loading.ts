import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FaceStore } from '../storage/store.ts';
import { rowsPerBlock } from './block.ts';
import type { Loaded } from './load.ts';
import type { GalleryMemory, Loan } from './memory.ts';
import type { Rows } from './rows.ts';
import type { GalleryThreads } from './threads.ts';
import { stagingBytes } from './write.ts';

const everything = Number.MAX_SAFE_INTEGER;

/** Faces that this thread loads itself, in about the time in which the other threads start. */
const facesHere = 16_384;
/** Blocks that another thread loads per request. A search may have to wait for a few of these requests. */
const blocksPerSlice = 16;

/** A range of faces that another thread reads into blocks, which the rows adopt or release afterwards. */
type Slice = {
  upTo: number;
  loan: Loan;
  blocks: number[];
  loaded: Promise<PromiseSettledResult<Loaded>[]> | undefined;
  /** Faces were trained or deleted since the request; the thread may or may not have read the change. */
  outdated: boolean;
};

export type LoadingOptions = {
  store: Pick<FaceStore, 'source' | 'trainedPage' | 'trainedSlice'>;
  memory: GalleryMemory;
  threads: GalleryThreads;
};

/**
 * Loads the trained faces of a collection into rows, oldest first.
 *
 * Invariants:
 * - The rows hold all trained faces up to `upTo`. A face up to there that is trained later has to be added to the rows;
 *   newer faces will be loaded.
 * - Other threads read slices, and the rows adopt slices in order. This thread reads an outdated slice again, page by
 *   page, so that no change can happen between the read of a page and its addition.
 */
export class Loading {
  readonly #options: LoadingOptions;
  readonly #collection: number;
  readonly #rows: Rows;
  readonly #slices: Slice[] = [];
  #upTo = 0;
  #stopped = false;

  constructor(options: LoadingOptions, collection: number, rows: Rows) {
    this.#options = options;
    this.#collection = collection;
    this.#rows = rows;
  }

  get upTo(): number {
    return this.#upTo;
  }

  async load(): Promise<void> {
    const { store, threads } = this.#options;
    const first = store.trainedSlice(this.#collection, 0, facesHere);
    const isLarge = first.count === facesHere && store.source !== undefined;
    if (isLarge) threads.start();
    await this.#loadHere(first.upTo);
    if (isLarge) await this.#loadInThreads();
    await this.#loadHere(everything);
  }

  /** Faces of the collection were trained or deleted. */
  markOutdated(): void {
    for (const slice of this.#slices) slice.outdated = true;
  }

  stop(): void {
    this.#stopped = true;
  }

  #isStopped(): boolean {
    return this.#stopped;
  }

  async #loadHere(last: number): Promise<void> {
    while (!this.#isStopped() && this.#upTo < last) {
      const page = this.#options.store.trainedPage(this.#collection, this.#upTo, last);
      this.#rows.add(page);
      this.#upTo = page.count > 0 ? page.upTo : last;
      await nextTurn();
    }
  }

  async #loadInThreads(): Promise<void> {
    const slices = this.#slices;
    try {
      while (!this.#isStopped()) {
        this.#requestSlices();
        const [slice] = slices;
        if (slice === undefined) return;
        const [result] = (await slice.loaded) ?? [];
        if (!this.#isStopped()) await this.#take(slice, result);
        slices.shift();
        slice.loan.release();
      }
    } finally {
      // Blocks are released only after the threads have finished writing into them.
      for (const { loaded, loan } of slices) {
        await loaded;
        loan.release();
      }
    }
  }

  /** Keeps one request more than there are threads, so that no thread waits for this one. */
  #requestSlices(): void {
    const { store, threads } = this.#options;
    while (this.#slices.length <= threads.count) {
      const after = this.#slices.at(-1)?.upTo ?? this.#upTo;
      const next = store.trainedSlice(this.#collection, after, blocksPerSlice * rowsPerBlock);
      if (next.count === 0) return;
      this.#requestSlice(after, next);
    }
  }

  #requestSlice(after: number, { upTo, count }: { upTo: number; count: number }): void {
    const { memory, threads } = this.#options;
    const { layout, dimensions } = this.#rows;
    const loan = memory.borrow();
    const slice: Slice = { upTo, loan, blocks: [], loaded: undefined, outdated: false };
    this.#slices.push(slice);
    const staging = loan.allocate(stagingBytes(layout));
    const { blocks } = slice;
    while (blocks.length * rowsPerBlock < count) blocks.push(loan.allocate(layout.bytes));
    const request = { collection: this.#collection, after, upTo, blocks, dimensions, staging };
    slice.loaded = Promise.allSettled([threads.load(request)]);
  }

  async #take(slice: Slice, result: PromiseSettledResult<Loaded> | undefined): Promise<void> {
    if (result?.status === 'rejected') throw result.reason;
    if (result === undefined || slice.outdated) return this.#loadHere(slice.upTo);
    for (const block of slice.blocks) slice.loan.keep(block);
    this.#rows.adopt(slice.blocks, result.value);
    this.#upTo = slice.upTo;
  }
}
