import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FaceStore } from '../storage/store.ts';
import { rowsOfBlock } from './block.ts';
import type { Loaded } from './load.ts';
import type { GalleryMemory, Loan } from './memory.ts';
import type { Rows } from './rows.ts';
import type { GalleryThreads } from './threads.ts';
import { stagingBytes } from './write.ts';

const everything = Number.MAX_SAFE_INTEGER;

/** What this thread loads itself, in about the time that the others take to start. */
const facesHere = 16_384;
/** What another thread loads at a time. Whoever wants to search meanwhile waits for a few of these. */
const blocksOfSlice = 16;

/** Faces on their way into blocks, which are adopted then, or released. */
type Slice = {
  upTo: number;
  loan: Loan;
  blocks: number[];
  loaded: Promise<PromiseSettledResult<Loaded>[]> | undefined;
  /** Faces were trained or deleted since; nobody knows whether the thread has seen it. */
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
 * - All that is trained and no newer than `upTo` is in the rows. What is trained later, but no newer, has to be added
 *   to them; the rest will be loaded.
 * - Other threads read slices, which are adopted in order. One that is outdated by then is read again by this thread,
 *   page by page, so that nothing comes between reading a page and adding it.
 */
export function createLoading({ store, memory, threads }: LoadingOptions, collection: number, rows: Rows) {
  const slices: Slice[] = [];
  let upTo = 0;
  let stopped = false;
  const goesOn = (): boolean => !stopped;

  async function loadHere(last: number): Promise<void> {
    while (goesOn() && upTo < last) {
      const page = store.trainedPage(collection, upTo, last);
      rows.add(page);
      upTo = page.count > 0 ? page.upTo : last;
      await nextTurn();
    }
  }

  async function loadElsewhere(): Promise<void> {
    try {
      while (goesOn()) {
        startSlices();
        const [slice] = slices;
        if (slice === undefined) return;
        const [result] = (await slice.loaded) ?? [];
        if (goesOn()) await take(slice, result);
        slices.shift();
        slice.loan.release();
      }
    } finally {
      // Threads write into the blocks of the others until they are done.
      for (const { loaded, loan } of slices) {
        await loaded;
        loan.release();
      }
    }
  }

  /** One more than there are threads, so that none waits for this one. */
  function startSlices(): void {
    while (slices.length <= threads.count) {
      const after = slices.at(-1)?.upTo ?? upTo;
      const next = store.trainedSlice(collection, after, blocksOfSlice * rowsOfBlock);
      if (next.count === 0) return;
      startSlice(after, next);
    }
  }

  function startSlice(after: number, next: { count: number; upTo: number }): void {
    const { upTo: last, count } = next;
    const loan = memory.borrow();
    const slice: Slice = { upTo: last, loan, blocks: [], loaded: undefined, outdated: false };
    slices.push(slice);
    const staging = loan.allocate(stagingBytes(rows.layout()));
    const { blocks } = slice;
    while (blocks.length * rowsOfBlock < count) blocks.push(loan.allocate(rows.layout().bytes));
    const request = { collection, after, upTo: last, blocks, numbers: rows.numbers(), staging };
    slice.loaded = Promise.allSettled([threads.load(request)]);
  }

  async function take(slice: Slice, result: PromiseSettledResult<Loaded> | undefined): Promise<void> {
    if (result?.status === 'rejected') throw result.reason;
    if (result === undefined || slice.outdated) return loadHere(slice.upTo);
    for (const block of slice.blocks) slice.loan.keep(block);
    rows.adopt(slice.blocks, result.value);
    upTo = slice.upTo;
  }

  return {
    async load(): Promise<void> {
      const first = store.trainedSlice(collection, 0, facesHere);
      const elsewhere = first.count === facesHere && store.source !== undefined;
      if (elsewhere) threads.start();
      await loadHere(first.upTo);
      if (elsewhere) await loadElsewhere();
      await loadHere(everything);
    },
    upTo: () => upTo,
    /** Faces of the collection were trained or deleted. */
    changed(): void {
      for (const slice of slices) slice.outdated = true;
    },
    stop(): void {
      stopped = true;
    },
  };
}

export type Loading = ReturnType<typeof createLoading>;
