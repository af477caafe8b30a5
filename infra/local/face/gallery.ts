import type { FaceStore, StoredVector } from './store.ts';

export type Scored<Item> = Item & { confidence: number };

/** Groups whose vectors are held in memory; the one that was not asked for the longest goes first. */
const groupsInMemory = 50;

/**
 * The trained vectors of groups, for exact search. What is deleted is forgotten at once: a person who was deleted
 * never comes back as a candidate, whatever was trained.
 */
export function createGallery(store: FaceStore, confidence: (a: Float32Array, b: Float32Array) => number) {
  const cache = new Map<string, StoredVector[]>();

  function vectorsOf(group: string): StoredVector[] {
    const vectors = cache.get(group) ?? store.trainedVectors(group);
    cache.delete(group);
    cache.set(group, vectors);
    const [oldest] = cache.keys();
    if (cache.size > groupsInMemory && oldest !== undefined) cache.delete(oldest);
    return vectors;
  }

  return {
    /** The vectors of the group have changed. */
    forget: (group: string) => void cache.delete(group),

    /** The best face of each person, best person first. */
    identify(
      group: string,
      probe: Float32Array,
      threshold: number,
      top: number,
    ): Scored<{ personId: string }>[] {
      const best = new Map<string, number>();
      for (const { personId, vector } of vectorsOf(group)) {
        const value = confidence(probe, vector);
        if (value >= threshold && value > (best.get(personId) ?? 0)) best.set(personId, value);
      }
      return [...best]
        .map(([personId, value]) => ({ personId, confidence: value }))
        .toSorted((a, b) => b.confidence - a.confidence)
        .slice(0, top);
    },
  };
}

export type Gallery = ReturnType<typeof createGallery>;
