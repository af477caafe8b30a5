import type { FaceStore, StoredVector } from './store.ts';
import { createVectorIndex, type VectorIndex } from './vectorIndex.ts';
import type { RecognitionModel, Vision } from './vision.ts';

export type Candidate = { personId: string; confidence: number };

/** Faces that are held in memory; the collection that was not asked for the longest goes first. */
const facesInMemory = 1_000_000;

/**
 * The trained vectors of collections, for exact search. What is deleted is forgotten at once: a person or face that
 * was deleted never comes back as a candidate, whatever was trained.
 */
export function createGallery(store: FaceStore, vision: Pick<Vision, 'confidence'>) {
  const held = new Map<number, VectorIndex>();

  function indexOf(collection: number): VectorIndex {
    const index = held.get(collection) ?? load(collection);
    held.delete(collection);
    held.set(collection, index);
    makeRoom(collection);
    return index;
  }

  function load(collection: number): VectorIndex {
    const index = createVectorIndex();
    for (const vector of store.trainedVectors(collection)) index.add(vector);
    return index;
  }

  function makeRoom(newest: number): void {
    let faces = 0;
    for (const index of held.values()) faces += index.size();
    for (const [collection, index] of held) {
      if (faces <= facesInMemory || collection === newest) return;
      held.delete(collection);
      faces -= index.size();
    }
  }

  return {
    /** These faces are trained now. */
    add(collection: number, vectors: Iterable<StoredVector>): void {
      const index = held.get(collection);
      if (index !== undefined) for (const vector of vectors) index.add(vector);
    },
    forget: (collection: number) => void held.delete(collection),
    forgetPerson: (collection: number, personId: string) => held.get(collection)?.removePerson(personId),
    forgetFace: (collection: number, faceId: string) => held.get(collection)?.removeFace(faceId),

    /** The best face of each person, best person first. */
    identify(
      collection: number,
      probe: Float32Array,
      {
        threshold,
        top,
        recognitionModel,
      }: { threshold: number; top: number; recognitionModel: RecognitionModel },
    ): Candidate[] {
      // Confidence grows with the cosine: the nearest are the most confident.
      return indexOf(collection)
        .nearest(probe, top)
        .map(({ personId, vector }) => ({
          personId,
          confidence: vision.confidence(probe, vector, recognitionModel),
        }))
        .filter(({ confidence }) => confidence >= threshold);
    },
  };
}

export type Gallery = ReturnType<typeof createGallery>;
