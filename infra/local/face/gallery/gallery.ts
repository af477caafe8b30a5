import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FaceStore, VectorPage } from '../store.ts';
import type { Vision } from '../vision.ts';
import { createGalleryMemory } from './memory.ts';
import { createRows, type Rows } from './rows.ts';
import { createScanners } from './scanners.ts';
import { search, type FoundFace } from './search.ts';

/** `personId` is the face's own where a face belongs to no person. */
export type Candidate = { personId: string; faceId: string; confidence: number };

type Held = {
  rows: Rows;
  /** The newest face that was loaded; what is trained up to there has to be added, the rest will be loaded. */
  upTo: number;
  loading: Promise<void>;
  searches: number;
};

const everything = Number.MAX_SAFE_INTEGER;

/** Beyond this, the collection that was not asked for the longest goes. */
const mostBytes = 2 ** 30;

/**
 * The trained vectors of collections, for exact search: whole numbers in memory, the vectors themselves in the store.
 * What is deleted is forgotten at once: a person or face that was deleted never comes back as a candidate, whatever was
 * trained.
 */
export function createGallery(store: FaceStore, vision: Pick<Vision, 'confidence'>) {
  const memory = createGalleryMemory();
  const scanners = createScanners(memory);
  const held = new Map<number, Held>();
  let lastLoading: Promise<void> = Promise.resolve();
  let closed = false;

  function holding(collection: number): Held {
    const entry = held.get(collection) ?? startLoading(collection);
    held.delete(collection);
    held.set(collection, entry);
    return entry;
  }

  /** One collection at a time, so that what is held is known before the next. */
  function startLoading(collection: number): Held {
    const entry: Held = { rows: createRows(memory), upTo: 0, loading: lastLoading, searches: 0 };
    entry.loading = lastLoading.then(() => load(collection, entry));
    // Whoever waits for it hears of a failure; the next who asks tries again.
    lastLoading = entry.loading.catch(() => {
      if (held.get(collection) === entry) forget(collection);
    });
    return entry;
  }

  /** Page by page, so that other calls are answered meanwhile. */
  async function load(collection: number, entry: Held): Promise<void> {
    const wanted = (): boolean => !closed && held.get(collection) === entry;
    while (wanted() && entry.upTo < everything) {
      const page = store.trainedPage(collection, entry.upTo);
      entry.rows.add(page);
      entry.upTo = page.count > 0 ? page.upTo : everything;
      await nextTurn();
    }
    makeRoom();
  }

  /** What is in use stays, and what was asked for last. */
  function makeRoom(): void {
    let bytes = 0;
    for (const { rows } of held.values()) bytes += rows.bytes();
    for (const [collection, entry] of [...held].slice(0, -1)) {
      if (bytes <= mostBytes) return;
      if (entry.searches > 0) continue;
      bytes -= entry.rows.bytes();
      forget(collection);
    }
  }

  function forget(collection: number): void {
    held.get(collection)?.rows.release();
    held.delete(collection);
  }

  /** The best face of each person, best person first. Who was deleted while the gallery was searched is not there. */
  function ranked(collection: number, probe: Float32Array, found: readonly FoundFace[]): Candidate[] {
    const best = new Map<string, Candidate>();
    for (const { personId, faceId } of found) {
      const vector = store.trainedVector(collection, personId, faceId);
      if (vector === undefined) continue;
      const confidence = vision.confidence(probe, vector);
      if (confidence > (best.get(personId)?.confidence ?? -1))
        best.set(personId, { personId, faceId, confidence });
    }
    return [...best.values()].toSorted((a, b) => b.confidence - a.confidence);
  }

  return {
    /** What is trained now has to be added up to this face; later ones will be loaded when somebody asks. */
    upTo: (collection: number): number => held.get(collection)?.upTo ?? 0,
    /** These faces are trained now. Where they cannot be held, whoever searches next loads all anew and hears why. */
    add(collection: number, pages: Iterable<VectorPage>): void {
      try {
        for (const page of pages) held.get(collection)?.rows.add(page);
        makeRoom();
      } catch {
        forget(collection);
      }
    },
    forget,
    forgetPerson: (collection: number, personId: string) => held.get(collection)?.rows.removePerson(personId),
    forgetFace: (collection: number, faceId: string) => held.get(collection)?.rows.removeFace(faceId),

    /** For each probe the best face of each of the best persons, best first. */
    async identify(
      collection: number,
      probes: readonly Float32Array[],
      { threshold, top }: { threshold: number; top: number },
    ): Promise<Candidate[][]> {
      const entry = holding(collection);
      entry.searches += 1;
      try {
        await entry.loading;
        const found = await search(entry.rows, scanners, probes, top);
        return probes.map((probe, index) =>
          ranked(collection, probe, found[index] ?? [])
            .filter(({ confidence }) => confidence >= threshold)
            .slice(0, top),
        );
      } finally {
        entry.searches -= 1;
      }
    },
    async close(): Promise<void> {
      closed = true;
      await lastLoading;
      await scanners.close();
    },
  };
}

export type Gallery = ReturnType<typeof createGallery>;
