import { randomUUID } from 'node:crypto';
import { copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { locateFace, listRows } from '../../../emulators/face/gallery/block.ts';
import { createGallery } from '../../../emulators/face/gallery/gallery.ts';
import { createLoad, type LoadRequest } from '../../../emulators/face/gallery/load.ts';
import { Loading } from '../../../emulators/face/gallery/loading.ts';
import { createGalleryMemory } from '../../../emulators/face/gallery/memory.ts';
import { Rows } from '../../../emulators/face/gallery/rows.ts';
import { createThreads } from '../../../emulators/face/gallery/threads.ts';
import { readUuid } from '../../../emulators/face/gallery/uuid.ts';
import { openFaceStore, type FaceStore } from '../../../emulators/face/storage/store.ts';
import { seed, sizeOf } from '../../helpers/size.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { anyVector } from '../../helpers/vectors.ts';

/* Collections that are so large that threads of their own read them. */

/** This thread loads the first 16,384 itself. */
const faceCount = sizeOf({ quick: 17_500, full: 60_000 });
const facesOfPerson = 10;
const numbers = 16;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let file: string;
let tests = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
});

afterAll(() => folder.remove());

beforeEach(() => {
  file = join(folder.path, `${(tests += 1)}.sqlite`);
});

type Face = { personId: string; faceId: string; vector: Float32Array };

let filled: { file: string; key: number; faces: readonly Face[] } | undefined;

/** A store with a large collection; it is filled once. */
function openFilled() {
  if (filled === undefined) {
    const first = join(folder.path, 'filled.sqlite');
    const store = openFaceStore(first);
    filled = { file: first, ...fill(store) };
    store.close();
  }
  copyFileSync(filled.file, file);
  const store = openFaceStore(file);
  const { key } = filled;
  const faces = [...filled.faces];
  return { store, key, faces, add: (count: number) => add(store, key, faces, count) };
}

/** A trained collection, and the faces in it in the order of their arrival. */
function fill(store: FaceStore) {
  store.addCollection('largepersongroups', 'g', 'g', null, 'recognition_04');
  const key = store.collection('largepersongroups', 'g')?.key ?? 0;
  const faces: Face[] = [];
  add(store, key, faces, faceCount);
  return { key, faces };
}

const vectors = anyVector(seed, numbers);

function add(store: FaceStore, key: number, faces: Face[], count: number): void {
  let personId = '';
  store.transaction(() => {
    for (let index = 0; index < count; index += 1) {
      if (index % facesOfPerson === 0) store.addPerson(key, (personId = randomUUID()), 'x', null);
      const face = { personId, faceId: randomUUID(), vector: vectors() };
      store.addFace(key, personId, { id: face.faceId, userData: null, vector: face.vector });
      faces.push(face);
    }
  });
  store.markTrained(key, store.newestFace(key));
}

function openEncrypted(dataKey: Uint8Array) {
  const store = openFaceStore(file, dataKey);
  return { store, ...fill(store) };
}

function facesIn(rows: Rows): string[] {
  const { bytes } = rows.memory.views();
  const nobody = '00000000-0000-0000-0000-000000000000';
  return listRows(rows.blocks)
    .map((place) => readUuid(bytes, locateFace(rows.layout, place)))
    .filter((id) => id !== nobody);
}

/** A loading whose threads read at once, and say so when they are `released`. */
function startLoading(store: FaceStore, collection: number) {
  const memory = createGalleryMemory();
  const rows = new Rows(memory);
  const load = createLoad(memory.memory, store.source);
  const [asked, released] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const threads = {
    ...createThreads(memory, undefined),
    start: () => undefined,
    async load(request: LoadRequest) {
      const loaded = load(request);
      asked.resolve(undefined);
      await released.promise;
      return loaded;
    },
  };
  const loading = new Loading({ store, memory, threads }, collection, rows);
  const isEmpty = (): boolean => memory.views().bytes.every((byte) => byte === 0);
  return { rows, loading, isEmpty, asked: asked.promise, release: () => released.resolve(undefined) };
}

test('what threads have read before it was deleted, or trained after, is read again', async () => {
  const { store, key, faces, add: addMore } = openFilled();
  const { rows, loading, asked, release, isEmpty } = startLoading(store, key);
  const done = loading.load();
  await asked;
  const removed = [faces[5], faces[17_000], faces.at(-100)].filter((face) => face !== undefined);
  for (const { personId, faceId } of removed) {
    store.deleteFace(key, personId, faceId);
    loading.markOutdated();
    rows.removeFace(faceId);
  }
  addMore(1_000);
  loading.markOutdated();
  release();
  await done;

  const expected = new Set(faces.map(({ faceId }) => faceId));
  for (const { faceId } of removed) expected.delete(faceId);
  const held = facesIn(rows);
  expect(held.length).toBe(expected.size);
  expect(rows.size).toBe(expected.size);
  expect(new Set(held)).toEqual(expected);
  rows.release();
  expect(isEmpty()).toBe(true);
  store.close();
});

test('a loading that is stopped waits for the threads, and leaves nothing in memory', async () => {
  const { store, key } = openFilled();
  const { rows, loading, asked, release, isEmpty } = startLoading(store, key);
  const done = loading.load();
  await asked;
  loading.stop();
  rows.release();
  expect(isEmpty()).toBe(false);
  release();
  await done;
  expect(rows.size).toBe(0);
  expect(isEmpty()).toBe(true);
  store.close();
});

test.each([
  ['as they are', undefined],
  ['encrypted', Buffer.alloc(32, 7)],
])('vectors %s: deletions leave nothing in the log while threads read', async (_how, dataKey) => {
  const { store, key, faces } = dataKey === undefined ? openFilled() : openEncrypted(dataKey);
  const gallery = createGallery(store, { confidence: (a, b) => (a.every((x, i) => x === b[i]) ? 1 : 0) });
  const find = async ({ vector }: Face) => {
    const options = { threshold: 1, top: 1, recognitionModel: 'recognition_04' } as const;
    const [[best] = []] = await gallery.identify(key, [vector], options);
    return best?.faceId;
  };
  const loaded = { yet: false };
  const first = find(faces[0] ?? ({} as Face)).finally(() => (loaded.yet = true));
  const removed: Face[] = [];
  while (!loaded.yet) {
    const [face] = faces.splice((removed.length * 7_919) % faces.length, 1);
    if (face === undefined) continue;
    removed.push(face);
    store.deleteFace(key, face.personId, face.faceId);
    expect(statSync(`${file}-wal`).size).toBe(0);
    gallery.forgetFace(key, face.faceId);
    await nextTurn();
  }
  await first;
  for (const face of removed.slice(0, 50)) expect(await find(face)).toBeUndefined();
  for (let index = 0; index < faces.length; index += 997) {
    const face = faces[index];
    if (face !== undefined) expect(await find(face)).toBe(face.faceId);
  }
  await gallery.close();
  store.close();
});
