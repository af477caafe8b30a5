import { createVectorCipher, plain } from '../storage/vectorCipher.ts';
import { openVectorReader, type VectorSource } from '../storage/vectorPages.ts';
import { layoutOf, rowsOf } from './block.ts';
import { createKernel } from './kernel.ts';
import { createViews } from './memory.ts';
import { numbersOf, refuseOtherNumbers, writePage } from './write.ts';

/** Which trained faces to read, and into which blocks, by address in the shared memory. */
export type LoadRequest = {
  collection: number;
  after: number;
  upTo: number;
  blocks: readonly number[];
  /** Of a vector. */
  numbers: number;
  staging: number;
};

export type Loaded = {
  count: number;
  /** The most that a row leaves out of its vector. */
  error: number;
};

/**
 * Reads faces into blocks on this thread, in order, as many as there is room for.
 * @throws Error for vectors of another length
 */
export function createLoad(memory: WebAssembly.Memory, source: VectorSource | undefined) {
  const kernel = createKernel(memory);
  const viewsNow = createViews(memory);
  const cipher = source?.key === undefined ? plain : createVectorCipher(source.key);
  return ({ collection, after, upTo, blocks, numbers, staging }: LoadRequest): Loaded => {
    if (source === undefined) throw new Error('there is no file to read');
    const target = { kernel, views: viewsNow(), layout: layoutOf(numbers), staging };
    const places = rowsOf(blocks);
    const reader = openVectorReader(source, cipher);
    try {
      let [count, error] = [0, 0];
      for (let page = reader.page(collection, 1, after, upTo); page.count > 0;) {
        if (count + page.count > places.length) break;
        refuseOtherNumbers(numbersOf(page), numbers);
        error = Math.max(error, writePage(target, page, places.slice(count)));
        count += page.count;
        page = reader.page(collection, 1, page.upTo, upTo);
      }
      return { count, error };
    } finally {
      reader.close();
    }
  };
}
