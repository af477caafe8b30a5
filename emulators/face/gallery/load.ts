import { createVectorCipher, plain } from '../storage/vectorCipher.ts';
import { openVectorReader, type VectorSource } from '../storage/vectorPages.ts';
import { computeLayout, listRows } from './block.ts';
import { createKernel } from './kernel.ts';
import { createViews } from './memory.ts';
import { countDimensions, refuseOtherDimensions, writePage } from './write.ts';

/** The trained faces to read, and the addresses of the blocks to fill in the shared memory. */
export type LoadRequest = {
  collection: number;
  after: number;
  upTo: number;
  blocks: readonly number[];
  dimensions: number;
  staging: number;
};

export type Loaded = {
  count: number;
  /** The largest distance between a vector and its quantised row. */
  error: number;
};

/** Reads faces into blocks on this thread, oldest first, while they fit. @throws Error for vectors of another length */
export function createLoad(memory: WebAssembly.Memory, source: VectorSource | undefined) {
  const kernel = createKernel(memory);
  const currentViews = createViews(memory);
  const cipher = source?.key === undefined ? plain : createVectorCipher(source.key);
  return ({ collection, after, upTo, blocks, dimensions, staging }: LoadRequest): Loaded => {
    if (source === undefined) throw new Error('there is no file to read');
    const target = { kernel, views: currentViews(), layout: computeLayout(dimensions), staging };
    const places = listRows(blocks);
    const reader = openVectorReader(source, cipher);
    try {
      let [count, error] = [0, 0];
      for (let page = reader.page(collection, 1, after, upTo); page.count > 0;) {
        if (count + page.count > places.length) break;
        refuseOtherDimensions(countDimensions(page), dimensions);
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
