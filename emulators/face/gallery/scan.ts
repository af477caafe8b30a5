import { layoutOf, personKey, rowsOfBlock, type Layout, type Row } from './block.ts';
import { createKernel } from './kernel.ts';
import { createViews, type Views } from './memory.ts';
import { createShortlist, type Hit, type Shortlist } from './shortlist.ts';

/** What to look through, by address in the shared memory. */
export type ScanRequest = {
  blocks: readonly number[];
  /** Of a vector. */
  numbers: number;
  /** The probes, quantised, side by side. */
  probes: number;
  /** Room for the scores of a block. */
  scores: number;
  top: number;
  /** Of each probe: by how much the difference of two scores may be wrong. */
  margins: readonly number[];
};

export type Scan = (request: ScanRequest) => Hit<Row>[][];

/** Bytes that the scores of a block take. */
export function scoreBytes(probes: number): number {
  return probes * rowsOfBlock * Float32Array.BYTES_PER_ELEMENT;
}

/** Looks through blocks on this thread: for each probe the shortlist of its nearest. */
export function createScan(memory: WebAssembly.Memory): Scan {
  const kernel = createKernel(memory);
  const viewsNow = createViews(memory);
  return ({ blocks, numbers, probes, scores, top, margins }) => {
    const layout = layoutOf(numbers);
    const views = viewsNow();
    const lists = margins.map((margin) => createShortlist<Row>({ top, margin }));
    for (const block of blocks) {
      const [scales, biases] = [block + layout.scales, block + layout.biases];
      kernel.score(block, rowsOfBlock, layout.width, scales, biases, probes, lists.length, scores);
      for (const [probe, list] of lists.entries()) {
        offerRows(views, layout, block, scores + scoreBytes(probe), list);
      }
    }
    return lists.map((list) => list.hits());
  };
}

function offerRows(views: Views, layout: Layout, block: number, scores: number, list: Shortlist<Row>): void {
  const { floats } = views;
  const first = scores / Float32Array.BYTES_PER_ELEMENT;
  let floor = list.floor();
  for (let row = 0; row < rowsOfBlock; row += 1) {
    const score = floats[first + row] ?? 0;
    if (score <= floor) continue;
    const place = { block, row };
    const person = personKey(views, layout, place);
    if (person === undefined) continue;
    list.offer(person, place, score);
    floor = list.floor();
  }
}
