import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExtentStore, LokiCollection } from './azurite.ts';
import { overwrite } from './overwrite.ts';
import { trackRanges, type Candidate, type RangeUsage } from './rangeUsage.ts';
import { overlaps, without, type Range } from './ranges.ts';

/*
 * Azurite appends the bytes of blobs and of queue messages to files that they share (extents), and a deletion removes
 * only the document that refers to the bytes. The eraser overwrites ranges to which nothing refers any more with zeros.
 *
 * Documents that refer to a range are blobs, snapshots, uncommitted blocks and messages; a copy refers to the range of
 * its source. A range that is being read is overwritten when the read has ended. What a killed process left is found at
 * the next start: nothing is appended to the extents of an earlier process, so that every range of them to which
 * nothing refers is overwritten.
 */

export type Extents = {
  /** Tracks the documents that refer to ranges, from now on, and finds what an earlier process left. */
  follow(collections: readonly LokiCollection[]): Promise<void>;
  /** Overwrites every candidate, due or not. To be called after the server has ended. */
  close(): Promise<void>;
};

const everyMs = 500;

/** Starts the eraser. To be called before the server starts. */
export function eraseFreedRanges(
  folder: string,
  store: ExtentStore,
  { log, now }: { log: (line: string) => void; now: () => number },
): Extents {
  const usage = trackRanges(store, now, arm);
  let timer: NodeJS.Timeout | undefined;
  let erasing = Promise.resolve();
  let isClosed = false;

  function arm(): void {
    if (isClosed) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      void erase(now()).then(() => {
        if (usage.isPending()) arm();
      });
    }, everyMs).unref();
  }

  function erase(time: number): Promise<void> {
    erasing = erasing.then(async () => {
      for (const [id, due] of Map.groupBy(usage.takeDue(time), (range) => range.id)) {
        const { free, held } = findFree(usage, id, due);
        usage.add(held.map((range) => ({ ...range, dueAt: time })));
        if (!(await tryOverwrite(join(folder, id), free, log))) usage.add(due);
      }
    });
    return erasing;
  }

  return {
    async follow(collections) {
      for (const collection of collections) usage.follow(collection);
      usage.add(await findLeftovers(folder, store, now()));
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      usage.endReads();
      await erase(Infinity);
    },
  };
}

/** The parts of ranges that are not in use. `held`: those that are being read. */
function findFree(
  usage: RangeUsage,
  id: string,
  due: readonly Candidate[],
): { free: Range[]; held: Range[] } {
  const read = usage.findRead(id);
  const unused = due.flatMap((range) => without(range, usage.findUsed(id)));
  return {
    free: unused.filter((range) => !overlaps(range, read)),
    held: unused.filter((range) => overlaps(range, read)),
  };
}

/** False when the ranges have to be tried again. */
async function tryOverwrite(
  file: string,
  ranges: readonly Range[],
  log: (line: string) => void,
): Promise<boolean> {
  try {
    await overwrite(file, ranges);
    return true;
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    // Azurite deletes extents to which nothing refers.
    if (code === 'ENOENT') return true;
    log(`what was deleted could not be overwritten (${code}) and is tried again`);
    return false;
  }
}

/** The extents of an earlier process. */
async function findLeftovers(folder: string, store: ExtentStore, dueAt: number): Promise<Candidate[]> {
  const leftovers: Candidate[] = [];
  for (const id of await readdir(folder)) {
    if (store.isActiveExtent(id)) continue;
    const { size } = await stat(join(folder, id)).catch(() => ({ size: 0 }));
    if (size > 0) leftovers.push({ id, offset: 0, count: size, dueAt });
  }
  return leftovers;
}
