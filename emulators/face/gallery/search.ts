import {
  locateFace,
  locatePerson,
  locateScale,
  locateVector,
  readPersonKey,
  rowsPerBlock,
  type Row,
} from './block.ts';
import { writeProbe } from './probe.ts';
import type { Rows } from './rows.ts';
import { scoreBytes, type ScanRequest } from './scan.ts';
import { createShortlist } from './shortlist.ts';
import type { GalleryThreads } from './threads.ts';
import { readUuid } from './uuid.ts';
import { refuseOtherDimensions } from './write.ts';

export type FoundFace = { personId: string; faceId: string };

/** Up to this number of scores this thread scans alone, which takes some tenths of a millisecond. */
const maxScoresHere = 20_000;
/** Small parts end at about the same time on all threads. */
const blocksPerPart = 512;

/**
 * For each probe the faces that may be the nearest of the `top` nearest persons; every other face is further away.
 *
 * Two passes keep the faces within the margin of their error: the kernel scans all rows with quantised probes, then
 * this thread scores the remaining rows with the probes themselves. For x and p quantised to x' and p', the error
 * |x·p - x'·p'| is at most |x - x'|·|p| + |x'|·|p - p'|.
 */
export async function search(
  rows: Rows,
  threads: GalleryThreads,
  probes: readonly Float32Array[],
  top: number,
): Promise<FoundFace[][]> {
  if (rows.size === 0) return probes.map(() => []);
  for (const { length } of probes) refuseOtherDimensions(length, rows.dimensions);
  const places = await scanQuantised(rows, threads, probes, top);
  return probes.map((probe, index) => rescore(rows, places[index] ?? [], probe, top));
}

async function scanQuantised(
  rows: Rows,
  threads: GalleryThreads,
  probes: readonly Float32Array[],
  top: number,
): Promise<Row[][]> {
  const { memory } = rows;
  const { width } = rows.layout;
  const scoreCount = rows.blocks.length * rowsPerBlock * probes.length;
  const parts = splitBlocks(rows.blocks, scoreCount <= maxScoresHere ? 1 : threads.count);
  const loan = memory.borrow();
  try {
    const at = loan.allocate(probes.length * width);
    const margins = probes.map((probe, index) => {
      const { scale, error } = writeProbe(probe, memory.views().signed, at + index * width);
      // In the unit of the kernel's scores, which is that of the quantised probe.
      return (2 * (rows.error * computeNorm(probe) + (1 + rows.error) * error)) / scale;
    });
    const requests = parts.map(
      (blocks) =>
        ({
          blocks,
          dimensions: rows.dimensions,
          probes: at,
          scores: loan.allocate(scoreBytes(probes.length)),
          top,
          margins,
        }) satisfies ScanRequest,
    );
    const [only] = requests;
    const found =
      only !== undefined && requests.length === 1
        ? [threads.scanHere(only)]
        : await settleAll(requests.map((request) => threads.scan(request)));
    return probes.map((_, index) => found.flatMap((lists) => (lists[index] ?? []).map(({ item }) => item)));
  } finally {
    loan.release();
  }
}

/** Like Promise.all, but a failure waits for all parts, since the memory of the parts is reused afterwards. */
async function settleAll<Result>(parts: Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(parts);
  return Promise.all(parts);
}

function splitBlocks(blocks: readonly number[], atLeast: number): number[][] {
  const count = atLeast === 1 ? 1 : Math.max(atLeast, Math.ceil(blocks.length / blocksPerPart));
  const size = Math.ceil(blocks.length / count);
  return Array.from({ length: count }, (_, part) => blocks.slice(part * size, (part + 1) * size));
}

function rescore(rows: Rows, places: readonly Row[], probe: Float32Array, top: number): FoundFace[] {
  const layout = rows.layout;
  const views = rows.memory.views();
  const list = createShortlist<Row>({ top, margin: 2 * rows.error * computeNorm(probe) });
  for (const place of places) {
    const person = readPersonKey(views, layout, place);
    if (person === undefined) continue;
    const at = locateVector(layout, place);
    let product = 0;
    for (const [index, value] of probe.entries()) product += value * (views.signed[at + index] ?? 0);
    list.offer(person, place, product * (views.floats[locateScale(layout, place) / 4] ?? 0));
  }
  return list.hits().map(({ item }) => ({
    personId: readUuid(views.bytes, locatePerson(layout, item)),
    faceId: readUuid(views.bytes, locateFace(layout, item)),
  }));
}

function computeNorm(vector: Float32Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}
