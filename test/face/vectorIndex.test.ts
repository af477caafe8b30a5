import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createVectorIndex } from '../../infra/local/face/vectorIndex.ts';
import type { StoredVector } from '../../infra/local/face/store.ts';
import { embeddingOf } from './fakeVision.ts';

const cosine = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);

/** What the index is to find, the slow way. */
function nearest(vectors: readonly StoredVector[], probe: Float32Array, top: number): string[] {
  const best = new Map<string, number>();
  for (const { personId, vector } of vectors) {
    best.set(personId, Math.max(best.get(personId) ?? -2, cosine(probe, vector)));
  }
  const ranked = [...best].toSorted(([, a], [, b]) => b - a);
  return ranked.slice(0, top).map(([personId]) => personId);
}

test('after any additions and removals the nearest persons are found, each once, nearest first', () => {
  const person = fc.integer({ min: 0, max: 9 }).map((number) => `person ${number}`);
  const step = fc.oneof(
    fc.record({ do: fc.constant('add'), person }),
    fc.record({ do: fc.constant('removePerson'), person }),
    fc.record({ do: fc.constant('removeFace'), person }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 12 }), (steps, top) => {
      const index = createVectorIndex();
      let expected: StoredVector[] = [];
      for (const [at, { do: what, person: personId }] of steps.entries()) {
        if (what === 'add') {
          const faceId = `face ${at}`;
          const added = { faceId, personId, vector: embeddingOf(faceId).slice(0, 6) };
          index.add(added);
          expected.push(added);
        } else if (what === 'removePerson') {
          index.removePerson(personId);
          expected = expected.filter((vector) => vector.personId !== personId);
        } else {
          const { faceId } = expected.find((vector) => vector.personId === personId) ?? { faceId: 'none' };
          index.removeFace(faceId);
          expected = expected.filter((vector) => vector.faceId !== faceId);
        }
      }
      const probe = embeddingOf('probe').slice(0, 6);
      expect(index.size()).toBe(expected.length);
      const found = index.nearest(probe, top);
      expect(found.map(({ personId }) => personId)).toEqual(nearest(expected, probe, top));
      for (const { personId, vector } of found) {
        const own = expected.filter((other) => other.personId === personId);
        expect(cosine(probe, vector)).toBe(Math.max(...own.map((other) => cosine(probe, other.vector))));
      }
    }),
  );
});

test('vectors of another length come from other models, and are refused', () => {
  const index = createVectorIndex();
  index.add({ faceId: 'f', personId: 'p', vector: new Float32Array(4) });
  const other = new Float32Array(5);
  expect(() => index.add({ faceId: 'g', personId: 'p', vector: other })).toThrow('a vector of 5 numbers');
  expect(() => index.nearest(other, 1)).toThrow('a vector of 5 numbers');
});
