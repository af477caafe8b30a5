import type { RecognitionModel, Vision } from '../contract/vision.ts';
import type { FaceStore } from '../storage/store.ts';
import type { VectorPage } from '../storage/vectorPages.ts';
import { LoadedCollections } from './loadedCollections.ts';
import { createGalleryMemory } from './memory.ts';
import { search } from './search.ts';
import { createThreads } from './threads.ts';

/** `personId` is the ID of the face itself if the face belongs to no person. */
export type Candidate = { personId: string; faceId: string; confidence: number };

type IdentifyOptions = { threshold: number; top: number; recognitionModel: RecognitionModel };

/**
 * Exact search in the trained vectors of collections. The memory holds quantised vectors, the store the vectors
 * themselves. A deleted person or face is never a candidate, in whatever order deletion, training and search happen.
 */
export function createGallery(store: FaceStore, vision: Pick<Vision, 'confidence'>) {
  const memory = createGalleryMemory();
  const threads = createThreads(memory, store.source);
  const collections = new LoadedCollections({ store, memory, threads });

  return {
    /** The newest face that `add` has to add after a training; the next search loads newer faces. */
    upTo: (collection: number): number => collections.upTo(collection),
    /** Adds faces that are trained now. If they do not fit, the next search loads the collection and reports why. */
    add(collection: number, pages: Iterable<VectorPage>): void {
      try {
        collections.change(collection, (rows) => {
          for (const page of pages) rows.add(page);
        });
        collections.evict();
      } catch {
        collections.drop(collection);
      }
    },
    forget: (collection: number) => collections.drop(collection),
    forgetPerson: (collection: number, personId: string) =>
      collections.change(collection, (rows) => rows.removePerson(personId)),
    forgetFace: (collection: number, faceId: string) =>
      collections.change(collection, (rows) => rows.removeFace(faceId)),

    /** For each probe the best face of each of the best persons, best first. */
    async identify(
      collection: number,
      probes: readonly Float32Array[],
      { threshold, top, recognitionModel }: IdentifyOptions,
    ): Promise<Candidate[][]> {
      const entry = collections.open(collection);
      entry.searches += 1;
      try {
        await entry.loaded;
        const found = await search(entry.rows, threads, probes, top);
        return probes.map((probe, index) =>
          bestPerPerson(
            (found[index] ?? []).flatMap(({ personId, faceId }) => {
              const vector = store.trainedVector(collection, personId, faceId);
              // The face was deleted during the search.
              if (vector === undefined) return [];
              return { personId, faceId, confidence: vision.confidence(probe, vector, recognitionModel) };
            }),
          )
            .filter(({ confidence }) => confidence >= threshold)
            .slice(0, top),
        );
      } finally {
        entry.searches -= 1;
      }
    },
    async close(): Promise<void> {
      await collections.close();
      await threads.close();
    },
  };
}

export type Gallery = ReturnType<typeof createGallery>;

/** The best face of each person, best person first. */
function bestPerPerson(candidates: readonly Candidate[]): Candidate[] {
  const best = new Map<string, Candidate>();
  for (const candidate of candidates) {
    if (candidate.confidence > (best.get(candidate.personId)?.confidence ?? -1))
      best.set(candidate.personId, candidate);
  }
  return [...best.values()].toSorted((a, b) => b.confidence - a.confidence);
}
