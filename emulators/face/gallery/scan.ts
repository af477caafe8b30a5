import { computeLayout, readPersonKey, rowsPerBlock, type Layout, type Row } from './block.ts';
import { createKernel } from './kernel.ts';
import { createViews, type Views } from './memory.ts';
import { createShortlist, type Hit, type Shortlist } from './shortlist.ts';

/** Blocks to scan and probes, by address in the shared memory. */
export type ScanRequest = {
  blocks: readonly number[];
  dimensions: number;
  /** The quantised probes, one behind the other. */
  probes: number;
  /** Memory for the scores of one block. */
  scores: number;
  top: number;
  /** For each probe the largest error of the difference between two scores. */
  margins: readonly number[];
};

export type Scan = (request: ScanRequest) => Hit<Row>[][];

/** Bytes of the scores of one block. */
export function scoreBytes(probes: number): number {
  return probes * rowsPerBlock * Float32Array.BYTES_PER_ELEMENT;
}

/** Scans blocks on this thread and returns the shortlist of each probe. */
export function createScan(memory: WebAssembly.Memory): Scan {
  const kernel = createKernel(memory);
  const currentViews = createViews(memory);
  return ({ blocks, dimensions, probes, scores, top, margins }) => {
    const layout = computeLayout(dimensions);
    const views = currentViews();
    const lists = margins.map((margin) => createShortlist<Row>({ top, margin }));
    for (const block of blocks) {
      const [scales, biases] = [block + layout.scales, block + layout.biases];
      kernel.score(block, rowsPerBlock, layout.width, scales, biases, probes, lists.length, scores);
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
  for (let row = 0; row < rowsPerBlock; row += 1) {
    const score = floats[first + row] ?? 0;
    if (score <= floor) continue;
    const place = { block, row };
    const person = readPersonKey(views, layout, place);
    if (person === undefined) continue;
    list.offer(person, place, score);
    floor = list.floor();
  }
}
