import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { seed, sizeOf } from '../../helpers/size.ts';
import { anyVector, variation } from '../../helpers/vectors.ts';
import { cosine, newGallery, type Face } from './newGallery.ts';

const { store, gallery, newCollection, close } = newGallery();
afterAll(close);

/** What the gallery is to find, the slow way. */
function nearest(faces: Iterable<Face>, probe: Float32Array, top: number): string[] {
  const best = new Map<string, number>();
  for (const { personId, vector } of faces) {
    best.set(personId, Math.max(best.get(personId) ?? -2, cosine(probe, vector)));
  }
  return [...best]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, top)
    .map(([personId]) => personId);
}

test('after any additions, trainings and removals the nearest persons are found, each once, nearest first', async () => {
  const people = Array.from({ length: 10 }, () => randomUUID());
  const step = fc.record({
    do: fc.constantFrom('add', 'add', 'add', 'train', 'removePerson', 'removeFace', 'identify'),
    person: fc.constantFrom(...people),
  });
  const seeds = fc.integer({ min: 1, max: 1e9 });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), seeds, seeds, async (steps, salt, top) => {
      const collection = newCollection();
      const { faces } = collection;
      const vectors = anyVector(salt, 20);
      const most = 1 + (top % 12);
      for (const { do: what, person } of steps) {
        if (what === 'add') collection.add(person, vectors());
        else if (what === 'removePerson') collection.removePerson(person);
        else if (what === 'removeFace') {
          const [own] = [...faces.values()].filter(({ personId }) => personId === person);
          if (own !== undefined) collection.remove(own.faceId);
        } else {
          collection.train();
          if (what === 'train') continue;
          const probes = [vectors(), vectors()];
          const expected = probes.map((probe) => nearest(faces.values(), probe, most));
          expect(await collection.identify(probes, most)).toEqual(expected);
        }
      }
      store.deleteCollection(collection.key);
      gallery.forget(collection.key);
    }),
    { numRuns: sizeOf({ quick: 50, full: 2_000 }) },
  );
});

test('in a large gallery of people who look alike the nearest are those of a slow search with all digits', async () => {
  const collection = newCollection();
  const vectors = anyVector(seed, 192);
  const others = anyVector(seed + 1, 192);
  // Families: what tells persons apart is much smaller than what tells families apart.
  const persons: { id: string; face: Float32Array }[] = [];
  for (let family = 0; family < sizeOf({ quick: 40, full: 240 }); family += 1) {
    const face = vectors();
    for (let child = 0; child < 10; child += 1) {
      persons.push({ id: randomUUID(), face: variation(face, others(), 0.5) });
    }
  }
  store.transaction(() => {
    for (const { id, face } of persons) {
      for (let picture = 0; picture < 10; picture += 1) collection.add(id, variation(face, others(), 0.6));
    }
  });
  collection.train();
  const probes = persons
    .filter((_, index) => index % 75 === 1)
    .map(({ face }) => variation(face, others(), 0.6));
  const expected = probes.map((probe) => nearest(collection.faces.values(), probe, 5));
  // A batch goes to the threads; at full size a single one as well.
  expect(await collection.identify(probes, 5)).toEqual(expected);
  expect(await collection.identify(probes.slice(0, 1), 5)).toEqual(expected.slice(0, 1));
});

test('what is trained and deleted while a collection is loaded is there and gone once it is', async () => {
  const collection = newCollection();
  const vectors = anyVector(seed, 32);
  const person = (): string => collection.add(randomUUID(), vectors());
  const add = (count: number): string[] => Array.from({ length: count }, person);
  const [early = ''] = add(1_500);
  collection.train();
  const [late = ''] = add(1_500);
  const first = collection.identify([vectors()], 1);
  await new Promise(setImmediate);
  collection.train();
  collection.remove(early);
  collection.remove(late);
  const [last = ''] = add(10);
  collection.train();
  await first;
  // Of the faces that stayed each, or some.
  const every = sizeOf({ quick: 100, full: 1 });
  for (const [index, { vector, personId }] of [...collection.faces.values()].entries()) {
    if (index % every === seed % every) expect(await collection.identify([vector], 1)).toEqual([[personId]]);
  }
  expect([early, late].some((id) => collection.faces.has(id))).toBe(false);
  expect(collection.faces.has(last)).toBe(true);
});
