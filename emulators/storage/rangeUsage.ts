import type { ExtentStore, LokiCollection, LokiDocument } from './azurite.ts';
import type { Range } from './ranges.ts';

/** A range that may be free: it is overwritten from `dueAt` on, except where it is in use then. */
export type Candidate = Range & { dueAt: number };

export type RangeUsage = ReturnType<typeof trackRanges>;

/** For this long after a document was deleted, a request that found it may read its range or copy the document. */
const graceMs = 1_000;
/** A request refers to a range that it appended within this time, or never. */
const claimedWithinMs = 30_000;

/**
 * Tracks which ranges of the extents are in use.
 *
 * appended:  a request wrote the range, and no document refers to it yet. After `claimedWithinMs` it is a candidate.
 * referred:  at least one document refers to the range.
 * released:  a document that referred to the range is gone; the range is a candidate after `graceMs`. Another document,
 *            such as a copy, may still refer to it.
 *
 * A range in any state may also be read at the moment. `onChange` is called for each new candidate, and for each
 * appended range, which may become a candidate.
 */
export function trackRanges(store: ExtentStore, now: () => number, onChange: () => void) {
  const referred = new Map<string, readonly Range[]>();
  const byExtent = new Map<string, Set<Range>>();
  const appended = new Map<string, Candidate>();
  const reading = new Set<Range>();
  let released: Candidate[] = [];

  watchStore(store, {
    onAppend(range) {
      appended.set(toKey(range), { ...range, dueAt: now() + claimedWithinMs });
      onChange();
    },
    onRead: (range) => void reading.add(range),
    onReadEnd: (range) => void reading.delete(range),
  });

  function refer(key: string, ranges: readonly Range[]): void {
    const before = referred.get(key) ?? [];
    if (ranges.length === 0) referred.delete(key);
    else referred.set(key, ranges);
    for (const range of ranges) {
      byExtent.set(range.id, (byExtent.get(range.id) ?? new Set()).add(range));
      appended.delete(toKey(range));
    }
    for (const range of before) byExtent.get(range.id)?.delete(range);
    add(before.map((range) => ({ ...range, dueAt: now() + graceMs })));
  }

  function add(candidates: readonly Candidate[]): void {
    if (candidates.length === 0) return;
    released.push(...candidates);
    onChange();
  }

  return {
    add,
    /** Tracks the documents that a collection holds, and each later change of them. */
    follow: (collection: LokiCollection): void => watchDocuments(collection, refer),
    /** Removes the candidates that are due from the tracked ranges. */
    takeDue(time: number): Candidate[] {
      const unclaimed = [...appended].filter(([, { dueAt }]) => dueAt <= time);
      for (const [key, range] of unclaimed) {
        appended.delete(key);
        released.push(range);
      }
      const due = released.filter(({ dueAt }) => dueAt <= time);
      released = released.filter(({ dueAt }) => dueAt > time);
      return due;
    },
    /** Whether a range is a candidate or may become one without a change of a document. */
    isPending: (): boolean => released.length > 0 || appended.size > 0,
    /** The ranges of an extent that are in use or may be soon. */
    findUsed: (id: string): Range[] => [
      ...(byExtent.get(id) ?? []),
      ...[...appended.values()].filter((range) => range.id === id),
    ],
    findRead: (id: string): Range[] => [...reading].filter((range) => range.id === id),
    endReads: () => reading.clear(),
  };
}

type StoreEvents = Record<'onAppend' | 'onRead' | 'onReadEnd', (range: Range) => void>;

function watchStore(store: ExtentStore, { onAppend, onRead, onReadEnd }: StoreEvents): void {
  const append = store.appendExtent.bind(store);
  store.appendExtent = async (...args) => {
    const range = await append(...args);
    onAppend(range);
    return range;
  };
  const read = store.readExtent.bind(store);
  store.readExtent = async (range, ...rest) => {
    const stream = await read(range, ...rest);
    if (range !== undefined) {
      // Two reads of one range are two entries.
      const held = { ...range };
      onRead(held);
      stream.once('close', () => onReadEnd(held));
    }
    return stream;
  };
}

function watchDocuments(
  collection: LokiCollection,
  refer: (key: string, ranges: readonly Range[]) => void,
): void {
  const toDocumentKey = ({ $loki }: LokiDocument): string => `${collection.name} ${$loki}`;
  const changed = (documents: LokiDocument | LokiDocument[]): void => {
    for (const document of [documents].flat()) refer(toDocumentKey(document), toRanges(document));
  };
  changed(collection.data);
  collection.on('insert', changed);
  collection.on('update', changed);
  collection.on('delete', (documents) => {
    for (const document of [documents].flat()) refer(toDocumentKey(document), []);
  });
}

type Referring = {
  persistency?: Range;
  committedBlocksInOrder?: { persistency: Range }[];
  pageRangesInOrder?: { persistency: Range }[];
};

/** The ranges of a blob, a block or a message. The ranges are copied, because copies of documents share the objects. */
function toRanges(document: LokiDocument): Range[] {
  const { persistency, committedBlocksInOrder = [], pageRangesInOrder = [] } = document as Referring;
  const pieces = [...committedBlocksInOrder, ...pageRangesInOrder].map((piece) => piece.persistency);
  return [persistency ?? [], pieces].flat().map(({ id, offset, count }) => ({ id, offset, count }));
}

function toKey({ id, offset, count }: Range): string {
  return `${id} ${offset} ${count}`;
}
