import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { createGallery } from '../../../infra/local/face/gallery/gallery.ts';
import { createGalleryMemory } from '../../../infra/local/face/gallery/memory.ts';
import { createRows } from '../../../infra/local/face/gallery/rows.ts';
import { openFaceStore } from '../../../infra/local/face/storage/store.ts';
import { anyVector, unit, variation } from '../../helpers/vectors.ts';

type Face = { personId: string; faceId: string; vector: Float32Array };

function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}

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

const store = openFaceStore(':memory:');
// A confidence that hides nothing of the order.
const gallery = createGallery(store, { confidence: (a, b) => (1 + cosine(a, b)) / 2 });
afterAll(async () => {
  await gallery.close();
  store.close();
});

/** A collection with its faces, and the same faces in a list. */
function newCollection() {
  const id = randomUUID();
  store.addCollection('largepersongroups', id, id, null, 'recognition_04');
  const key = store.collection('largepersongroups', id)?.key ?? 0;
  const faces = new Map<string, Face>();
  const remove = (faceId: string): void => {
    store.deleteFace(key, faces.get(faceId)?.personId ?? '', faceId);
    gallery.forgetFace(key, faceId);
    faces.delete(faceId);
  };
  return {
    key,
    faces,
    remove,
    add(personId: string, vector: Float32Array): string {
      if (store.person(key, personId) === undefined) store.addPerson(key, personId, 'x', null);
      const faceId = randomUUID();
      store.addFace(key, personId, { id: faceId, userData: null, vector });
      faces.set(faceId, { personId, faceId, vector });
      return faceId;
    },
    /** As a training that succeeds. */
    train(): void {
      const upTo = store.newestFace(key);
      const added = store.untrainedPages(key, Math.min(upTo, gallery.upTo(key)));
      store.markTrained(key, upTo);
      gallery.add(key, added);
    },
    removePerson(personId: string): void {
      store.deletePerson(key, personId);
      gallery.forgetPerson(key, personId);
      for (const face of faces.values()) if (face.personId === personId) faces.delete(face.faceId);
    },
    async identify(probes: Float32Array[], top: number): Promise<string[][]> {
      const found = await gallery.identify(key, probes, {
        threshold: 0,
        top,
        recognitionModel: 'recognition_04',
      });
      return found.map((candidates) => candidates.map(({ personId }) => personId));
    },
  };
}

test('after any additions, trainings and removals the nearest persons are found, each once, nearest first', async () => {
  const people = Array.from({ length: 10 }, () => randomUUID());
  const step = fc.record({
    do: fc.constantFrom('add', 'add', 'add', 'train', 'removePerson', 'removeFace', 'identify'),
    person: fc.constantFrom(...people),
  });
  const seeds = fc.integer({ min: 1, max: 1e9 });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), seeds, seeds, async (steps, seed, top) => {
      const collection = newCollection();
      const { faces } = collection;
      const vectors = anyVector(seed, 20);
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
  );
});

test('in a large gallery of people who look alike the nearest are those of a slow search with all digits', async () => {
  const collection = newCollection();
  const vectors = anyVector(7, 192);
  const others = anyVector(8, 192);
  // Families: what tells persons apart is much smaller than what tells families apart.
  const persons: { id: string; face: Float32Array }[] = [];
  for (let family = 0; family < 240; family += 1) {
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
  // A batch goes to the threads, a single one as well.
  expect(await collection.identify(probes, 5)).toEqual(expected);
  expect(await collection.identify(probes.slice(0, 1), 5)).toEqual(expected.slice(0, 1));
});

test('what is trained and deleted while a collection is loaded is there and gone once it is', async () => {
  const collection = newCollection();
  const vectors = anyVector(3, 32);
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
  for (const { vector, personId } of collection.faces.values()) {
    expect(await collection.identify([vector], 1)).toEqual([[personId]]);
  }
  expect([early, late].some((id) => collection.faces.has(id))).toBe(false);
  expect(collection.faces.has(last)).toBe(true);
});

test('a face that is deleted while the gallery is searched is no candidate', async () => {
  const collection = newCollection();
  const vector = unit(anyVector(5, 192)());
  const faceId = collection.add(randomUUID(), vector);
  collection.train();
  const found = collection.identify([vector], 1);
  collection.remove(faceId);
  expect(await found).toEqual([[]]);
});

test('vectors of another length come from other models, and are refused', async () => {
  const collection = newCollection();
  collection.add(randomUUID(), anyVector(1, 16)());
  collection.train();
  await expect(collection.identify([anyVector(1, 20)()], 1)).rejects.toThrow('a vector of 20 numbers');
  collection.add(randomUUID(), anyVector(1, 20)());
  collection.train();
  await expect(collection.identify([anyVector(1, 16)()], 1)).rejects.toThrow('a vector of');
});

test('no deleted vector stays in memory', () => {
  const memory = createGalleryMemory();
  const rows = createRows(memory);
  const ids = Array.from({ length: 600 }, () => ({ person: randomUUID(), face: randomUUID() }));
  const ascii = (texts: string[]): Buffer => Buffer.from(texts.join(''), 'latin1');
  rows.add({
    count: ids.length,
    personIds: ascii(ids.map(({ person }) => person)),
    faceIds: ascii(ids.map(({ face }) => face)),
    vectors: new Uint8Array(new Float32Array(ids.length * 24).fill(0.2).buffer),
  });
  const used = (): number => memory.views().bytes.reduce((sum, byte) => sum + (byte === 0 ? 0 : 1), 0);
  expect(used()).toBeGreaterThan(ids.length * 24);
  for (const { person, face } of ids.slice(0, 300)) {
    rows.removeFace(face);
    rows.removePerson(person);
  }
  expect(rows.size()).toBe(300);
  expect(used()).toBeLessThan(300 * (24 + 8 + 32) + 1);
  for (const { person } of ids.slice(300)) rows.removePerson(person);
  expect(rows.size()).toBe(0);
  expect(used()).toBe(0);
});
