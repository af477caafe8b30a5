import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExtentStore, LokiCollection, LokiDocument } from './azurite.ts';

/*
 * Azurite appends the bytes of blobs and of queue messages to files that they share (extents), and a deletion takes away
 * only the document that refers to them. Here what nothing refers to any more is overwritten with zeros.
 *
 * Documents that refer to a range are blobs, snapshots, uncommitted blocks and messages; a copy refers to the range of
 * its source. A range that was appended a moment ago may be referred to soon, and one that is read now is left alone
 * until the reader is done. What a kill left is found at the next start: nothing is appended to the extents of an
 * earlier process, so that all in them that nothing refers to is overwritten then.
 */

export type Range = { id: string; offset: number; count: number };

/** A range that nothing may refer to any more; overwritten from `dueAt` on. */
type Candidate = Range & { dueAt: number };

export type Extents = {
  /** Follows the documents that refer to ranges, from now on, and looks through what an earlier process left. */
  follow(collections: readonly LokiCollection[]): Promise<void>;
  /** Overwrites all that is due, whether its time has come or not. After the server has ended. */
  close(): Promise<void>;
};

/** A request that found a document may read its range, or copy its document, so long after the document went. */
const graceMs = 1_000;
/** A request refers to what it has appended within this time, or never. */
const claimedWithinMs = 30_000;
const everyMs = 500;
const chunkBytes = 1_048_576;
const zeros = Buffer.alloc(chunkBytes);

/** Before the server starts. */
export function eraseFreedRanges(
  folder: string,
  store: ExtentStore,
  { log, now }: { log: (line: string) => void; now: () => number },
): Extents {
  const referred = new Map<string, readonly Range[]>();
  const byExtent = new Map<string, Set<Range>>();
  const appended = new Map<string, Candidate>();
  const reading = new Set<Range>();
  let candidates: Candidate[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sweeping = Promise.resolve();
  let isClosed = false;

  const append = store.appendExtent.bind(store);
  store.appendExtent = async (...args) => {
    const range = await append(...args);
    appended.set(keyOf(range), { ...range, dueAt: now() + claimedWithinMs });
    arm();
    return range;
  };
  const read = store.readExtent.bind(store);
  store.readExtent = async (range, ...rest) => {
    const stream = await read(range, ...rest);
    if (range !== undefined) {
      const held = { ...range };
      reading.add(held);
      stream.once('close', () => reading.delete(held));
    }
    return stream;
  };

  function refer(key: string, ranges: readonly Range[]): void {
    const before = referred.get(key) ?? [];
    if (ranges.length === 0) referred.delete(key);
    else referred.set(key, ranges);
    for (const range of ranges) {
      byExtent.set(range.id, (byExtent.get(range.id) ?? new Set()).add(range));
      appended.delete(keyOf(range));
    }
    for (const range of before) {
      byExtent.get(range.id)?.delete(range);
      candidates.push({ ...range, dueAt: now() + graceMs });
    }
    if (before.length > 0) arm();
  }

  function arm(): void {
    if (isClosed) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      void sweep(now()).then(() => {
        if (candidates.length > 0 || appended.size > 0) arm();
      });
    }, everyMs).unref();
  }

  function sweep(time: number): Promise<void> {
    sweeping = sweeping.then(() => eraseDue(time));
    return sweeping;
  }

  async function eraseDue(time: number): Promise<void> {
    for (const [key, range] of appended) {
      if (range.dueAt > time) continue;
      appended.delete(key);
      candidates.push(range);
    }
    const due = candidates.filter(({ dueAt }) => dueAt <= time);
    candidates = candidates.filter(({ dueAt }) => dueAt > time);
    for (const [id, ranges] of Map.groupBy(due, (range) => range.id)) {
      const free = ranges.flatMap((range) => without(range, rangesIn(id)));
      const held = [...reading].filter((range) => range.id === id);
      candidates.push(
        ...free.filter((range) => overlaps(range, held)).map((range) => ({ ...range, dueAt: time })),
      );
      try {
        await overwrite(
          join(folder, id),
          free.filter((range) => !overlaps(range, held)),
        );
      } catch (error) {
        const { code = 'unknown error' } = error as NodeJS.ErrnoException;
        // Azurite deletes extents to which nothing refers.
        if (code === 'ENOENT') continue;
        log(`what was deleted could not be overwritten (${code}) and is tried again`);
        candidates.push(...ranges);
      }
    }
  }

  /** What is in use, or may be soon. */
  function rangesIn(id: string): Range[] {
    return [...(byExtent.get(id) ?? []), ...[...appended.values()].filter((range) => range.id === id)];
  }

  async function findLeftovers(): Promise<void> {
    for (const id of await readdir(folder)) {
      if (store.isActiveExtent(id)) continue;
      const { size } = await stat(join(folder, id)).catch(() => ({ size: 0 }));
      if (size > 0) candidates.push({ id, offset: 0, count: size, dueAt: now() });
    }
    arm();
  }

  return {
    async follow(collections) {
      for (const collection of collections) {
        const { name } = collection;
        const keyOfDocument = ({ $loki }: LokiDocument): string => `${name} ${$loki}`;
        const changed = (documents: LokiDocument | LokiDocument[]): void => {
          for (const document of [documents].flat()) refer(keyOfDocument(document), rangesOf(document));
        };
        changed(collection.data);
        collection.on('insert', changed);
        collection.on('update', changed);
        collection.on('delete', (documents) => {
          for (const document of [documents].flat()) refer(keyOfDocument(document), []);
        });
      }
      await findLeftovers();
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      reading.clear();
      await sweep(Infinity);
    },
  };
}

type Referring = {
  persistency?: Range;
  committedBlocksInOrder?: { persistency: Range }[];
  pageRangesInOrder?: { persistency: Range }[];
};

/** The ranges to which a blob, a block or a message refers. Copies of documents share these objects. */
function rangesOf(document: LokiDocument): Range[] {
  const { persistency, committedBlocksInOrder = [], pageRangesInOrder = [] } = document as Referring;
  const parts = [...committedBlocksInOrder, ...pageRangesInOrder].map((part) => part.persistency);
  return [...(persistency === undefined ? [] : [persistency]), ...parts].map(({ id, offset, count }) => ({
    id,
    offset,
    count,
  }));
}

function keyOf({ id, offset, count }: Range): string {
  return `${id} ${offset} ${count}`;
}

function overlaps(range: Range, others: readonly Range[]): boolean {
  return others.some(
    ({ offset, count }) => offset < range.offset + range.count && range.offset < offset + count,
  );
}

/** What is left of a range without others of the same extent. */
export function without(range: Range, others: readonly Range[]): Range[] {
  const { id } = range;
  const end = range.offset + range.count;
  const left: Range[] = [];
  let from = range.offset;
  for (const { offset, count } of others.toSorted((a, b) => a.offset - b.offset)) {
    if (offset > from) left.push({ id, offset: from, count: Math.min(offset, end) - from });
    from = Math.max(from, offset + count);
    if (from >= end) return left.filter((part) => part.count > 0);
  }
  return [...left, { id, offset: from, count: end - from }].filter((part) => part.count > 0);
}

/** Writes zeros, where there are none yet. */
async function overwrite(file: string, ranges: readonly Range[]): Promise<void> {
  if (ranges.length === 0) return;
  const handle = await open(file, 'r+');
  try {
    for (const range of ranges) await overwriteRange(handle, range);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function overwriteRange(handle: FileHandle, { offset, count }: Range): Promise<void> {
  const end = offset + count;
  for (let at = offset; at < end; at += chunkBytes) {
    const length = Math.min(chunkBytes, end - at);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, at);
    if (bytesRead > 0 && !buffer.subarray(0, bytesRead).equals(zeros.subarray(0, bytesRead)))
      await handle.write(zeros, 0, bytesRead, at);
  }
}
