import { faceAt, personAt, personKey, rowsOfBlock, scaleAt, vectorAt, type Row } from './block.ts';
import { writeProbe } from './probe.ts';
import type { Rows } from './rows.ts';
import { scoreBytes, type ScanRequest } from './scan.ts';
import { createShortlist } from './shortlist.ts';
import type { GalleryThreads } from './threads.ts';
import { readUuid } from './uuid.ts';

export type FoundFace = { personId: string; faceId: string };

/** Products of a face and a probe that this thread works out itself: some tenths of a millisecond. */
const productsHere = 20_000;
/** Blocks of a part: enough parts that no thread waits long for the other. */
const blocksOfPart = 512;

/**
 * For each probe the faces that can be the nearest of the `top` nearest persons; whoever is missing is further away.
 *
 * Two looks, each with the margin of what it may be wrong by: first at all rows, as whole numbers, by the kernel; then
 * at those that stay, with the probe as it is. For x and p replaced by x' and p', |x·p - x'·p'| is at most
 * |x - x'|·|p| + |x'|·|p - p'|.
 */
export async function search(
  rows: Rows,
  threads: GalleryThreads,
  probes: readonly Float32Array[],
  top: number,
): Promise<FoundFace[][]> {
  if (rows.size() === 0) return probes.map(() => []);
  for (const { length } of probes) rows.refuseOtherNumbers(length);
  const places = await firstLook(rows, threads, probes, top);
  return probes.map((probe, index) => secondLook(rows, places[index] ?? [], probe, top));
}

async function firstLook(
  rows: Rows,
  threads: GalleryThreads,
  probes: readonly Float32Array[],
  top: number,
): Promise<Row[][]> {
  const { memory } = rows;
  const { width } = rows.layout();
  const products = rows.blocks().length * rowsOfBlock * probes.length;
  const parts = partsOf(rows.blocks(), products <= productsHere ? 1 : threads.count);
  const loan = memory.borrow();
  try {
    const at = loan.allocate(probes.length * width);
    const margins = probes.map((probe, index) => {
      const { scale, error } = writeProbe(probe, memory.views().signed, at + index * width);
      // In the kernel's unit, which is the probe's.
      return (2 * (rows.error() * lengthOf(probe) + (1 + rows.error()) * error)) / scale;
    });
    const requests = parts.map(
      (blocks) =>
        ({
          blocks,
          numbers: rows.numbers(),
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
        : await allOf(requests.map((request) => threads.scan(request)));
    return probes.map((_, index) => found.flatMap((lists) => (lists[index] ?? []).map(({ item }) => item)));
  } finally {
    loan.release();
  }
}

/** Like Promise.all, but no part goes on once this has failed: the memory is given to others. */
async function allOf<Result>(parts: Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(parts);
  return Promise.all(parts);
}

function partsOf(blocks: readonly number[], atLeast: number): number[][] {
  const count = atLeast === 1 ? 1 : Math.max(atLeast, Math.ceil(blocks.length / blocksOfPart));
  const size = Math.ceil(blocks.length / count);
  return Array.from({ length: count }, (_, part) => blocks.slice(part * size, (part + 1) * size));
}

function secondLook(rows: Rows, places: readonly Row[], probe: Float32Array, top: number): FoundFace[] {
  const layout = rows.layout();
  const views = rows.memory.views();
  const list = createShortlist<Row>({ top, margin: 2 * rows.error() * lengthOf(probe) });
  for (const place of places) {
    const person = personKey(views, layout, place);
    if (person === undefined) continue;
    const at = vectorAt(layout, place);
    let product = 0;
    for (const [index, value] of probe.entries()) product += value * (views.signed[at + index] ?? 0);
    list.offer(person, place, product * (views.floats[scaleAt(layout, place) / 4] ?? 0));
  }
  return list.hits().map(({ item }) => ({
    personId: readUuid(views.bytes, personAt(layout, item)),
    faceId: readUuid(views.bytes, faceAt(layout, item)),
  }));
}

function lengthOf(vector: Float32Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}
