import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { createGalleryMemory } from '../../../emulators/face/gallery/memory.ts';
import { Rows } from '../../../emulators/face/gallery/rows.ts';
import { anyVector, unit } from '../../helpers/vectors.ts';
import { newGallery } from './newGallery.ts';

const { newCollection, close } = newGallery();
afterAll(close);

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
  const rows = new Rows(memory);
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
  expect(rows.size).toBe(300);
  expect(used()).toBeLessThan(300 * (24 + 8 + 32) + 1);
  for (const { person } of ids.slice(300)) rows.removePerson(person);
  expect(rows.size).toBe(0);
  expect(used()).toBe(0);
});
