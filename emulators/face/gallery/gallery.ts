import type { FaceStore } from '../storage/store.ts';
import type { VectorPage } from '../storage/vectorPages.ts';
import type { RecognitionModel, Vision } from '../contract/vision.ts';
import { createLoading, type Loading } from './loading.ts';
import { createGalleryMemory } from './memory.ts';
import { createRows, type Rows } from './rows.ts';
import { search, type FoundFace } from './search.ts';
import { createThreads } from './threads.ts';

/** `personId` is the face's own where a face belongs to no person. */
export type Candidate = { personId: string; faceId: string; confidence: number };

type Held = {
  rows: Rows;
  loading: Loading;
  loaded: Promise<void>;
  searches: number;
};

/** Beyond this, the collection that was not asked for the longest goes. */
const mostBytes = 2 ** 30;

/**
 * The trained vectors of collections, for exact search: whole numbers in memory, the vectors themselves in the store.
 * What is deleted is forgotten at once: a person or face that was deleted never comes back as a candidate, whatever was
 * trained.
 */
export function createGallery(store: FaceStore, vision: Pick<Vision, 'confidence'>) {
  const memory = createGalleryMemory();
  const threads = createThreads(memory, store.source);
  const held = new Map<number, Held>();
  let lastLoaded: Promise<void> = Promise.resolve();

  function holding(collection: number): Held {
    const entry = held.get(collection) ?? startLoading(collection);
    held.delete(collection);
    held.set(collection, entry);
    return entry;
  }

  /** One collection at a time, so that what is held is known before the next. */
  function startLoading(collection: number): Held {
    const rows = createRows(memory);
    const loading = createLoading({ store, memory, threads }, collection, rows);
    const loaded = lastLoaded.then(loading.load).then(makeRoom);
    const entry: Held = { rows, loading, loaded, searches: 0 };
    // Whoever waits for it hears of a failure; the next who asks tries again.
    lastLoaded = loaded.catch(() => {
      if (held.get(collection) === entry) forget(collection);
    });
    return entry;
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
    const entry = held.get(collection);
    entry?.loading.stop();
    entry?.rows.release();
    held.delete(collection);
  }

  function change(collection: number, work: (rows: Rows) => void): void {
    const entry = held.get(collection);
    if (entry === undefined) return;
    entry.loading.changed();
    work(entry.rows);
  }

  /** The best face of each person, best person first. Who was deleted while the gallery was searched is not there. */
  function ranked(
    collection: number,
    probe: Float32Array,
    found: readonly FoundFace[],
    model: RecognitionModel,
  ): Candidate[] {
    const best = new Map<string, Candidate>();
    for (const { personId, faceId } of found) {
      const vector = store.trainedVector(collection, personId, faceId);
      if (vector === undefined) continue;
      const confidence = vision.confidence(probe, vector, model);
      if (confidence > (best.get(personId)?.confidence ?? -1))
        best.set(personId, { personId, faceId, confidence });
    }
    return [...best.values()].toSorted((a, b) => b.confidence - a.confidence);
  }

  return {
    /** What is trained now has to be added up to this face; later ones will be loaded when somebody asks. */
    upTo: (collection: number): number => held.get(collection)?.loading.upTo() ?? 0,
    /** These faces are trained now. Where they cannot be held, whoever searches next loads all anew and hears why. */
    add(collection: number, pages: Iterable<VectorPage>): void {
      try {
        change(collection, (rows) => {
          for (const page of pages) rows.add(page);
        });
        makeRoom();
      } catch {
        forget(collection);
      }
    },
    forget,
    forgetPerson: (collection: number, personId: string) =>
      change(collection, (rows) => rows.removePerson(personId)),
    forgetFace: (collection: number, faceId: string) => change(collection, (rows) => rows.removeFace(faceId)),

    /** For each probe the best face of each of the best persons, best first. */
    async identify(
      collection: number,
      probes: readonly Float32Array[],
      {
        threshold,
        top,
        recognitionModel,
      }: { threshold: number; top: number; recognitionModel: RecognitionModel },
    ): Promise<Candidate[][]> {
      const entry = holding(collection);
      entry.searches += 1;
      try {
        await entry.loaded;
        const found = await search(entry.rows, threads, probes, top);
        return probes.map((probe, index) =>
          ranked(collection, probe, found[index] ?? [], recognitionModel)
            .filter(({ confidence }) => confidence >= threshold)
            .slice(0, top),
        );
      } finally {
        entry.searches -= 1;
      }
    },
    async close(): Promise<void> {
      for (const { loading } of held.values()) loading.stop();
      await lastLoaded;
      await threads.close();
    },
  };
}

export type Gallery = ReturnType<typeof createGallery>;
