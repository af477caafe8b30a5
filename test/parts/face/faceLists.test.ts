import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFaceStore } from '../../../emulators/face/storage/store.ts';
import { createFakeVision, embeddingOf, picture } from './fakeVision.ts';
import { startTestFace, type TestFace } from './harness.ts';

const lists = [
  { path: 'facelists', idProperty: 'faceListId', code: 'FaceList', title: 'Face list' },
  { path: 'largefacelists', idProperty: 'largeFaceListId', code: 'LargeFaceList', title: 'Large face list' },
] as const;

let face: TestFace;

beforeAll(async () => {
  face = await startTestFace({ vision: createFakeVision() });
});

afterAll(() => face.close());

type Similar = { persistedFaceId: string; confidence: number }[];

const listed = async (list: string, who: string, userData = who): Promise<string> => {
  const path = `${list}/persistedfaces?userData=${userData}`;
  return (await face.ask<{ persistedFaceId: string }>('POST', path, picture(who))).persistedFaceId;
};

const fault = (status: number, code: string, message: string) => ({
  status,
  body: { error: { code, message } },
});

describe.each(lists)('$path', ({ path, idProperty, code, title }) => {
  const list = (id: string) => `/${path}/${id}`;
  const isLarge = path === 'largefacelists';
  const ready = async (id: string) =>
    isLarge && expect((await face.train(list(id))).status).toBe('succeeded');

  test('a list is created, read, changed, listed and deleted', async () => {
    expect(await face.call('PUT', list('l'), { body: { name: 'n', userData: 'u' } })).toMatchObject({
      status: 200,
      body: undefined,
    });
    const faces = isLarge ? {} : { persistedFaces: [] };
    expect(await face.ask('GET', list('l'))).toEqual({
      [idProperty]: 'l',
      name: 'n',
      userData: 'u',
      ...faces,
    });
    await face.ask('PATCH', list('l'), { userData: 'other' });
    expect(await face.ask('GET', `/${path}?returnRecognitionModel=true`)).toEqual([
      { [idProperty]: 'l', name: 'n', userData: 'other', recognitionModel: 'recognition_01' },
    ]);
    expect(await face.call('PUT', list('l'), { body: { name: 'n' } })).toMatchObject(
      fault(409, `${code}Exists`, `${title} already exists.`),
    );
    await face.ask('DELETE', list('l'));
    expect(await face.call('GET', list('l'))).toMatchObject(
      fault(404, `${code}NotFound`, `${title} is not found.`),
    );
  });

  test('similar faces are found by their persisted IDs, the most alike first', async () => {
    await face.create(list('search'));
    const ann = await listed(list('search'), 'ann');
    const ben = await listed(list('search'), 'ben');
    await ready('search');
    const faceId = await face.detect(picture('ben'));
    const find = (more: object) =>
      face.ask<Similar>('POST', '/findsimilars', { faceId, [idProperty]: 'search', ...more });
    expect(await find({})).toEqual([{ persistedFaceId: ben, confidence: 1 }]);
    const ranked = await find({ mode: 'matchFace' });
    expect(ranked.map(({ persistedFaceId }) => persistedFaceId)).toEqual([ben, ann]);
    expect(await find({ mode: 'matchFace', maxNumOfCandidatesReturned: 1 })).toHaveLength(1);

    await face.ask('DELETE', `${list('search')}/persistedfaces/${ben}`);
    expect(await find({})).toEqual([]);
    await face.ask('DELETE', list('search'));
    expect(
      await face.call('POST', '/findsimilars', { body: { faceId, [idProperty]: 'search' } }),
    ).toMatchObject(fault(400, `${code}NotFound`, `${title} is not found.`));
  });

  test('a list that nothing can be found in says so', async () => {
    await face.create(list('empty'));
    const faceId = await face.detect(picture('ann'));
    const answer = await face.call('POST', '/findsimilars', { body: { faceId, [idProperty]: 'empty' } });
    expect(answer).toMatchObject(
      isLarge
        ? fault(400, 'LargeFaceListNotTrained', 'Large face list not trained.')
        : fault(400, 'FaceListNotReady', 'Face list is empty.'),
    );
    expect(await face.call('POST', '/findsimilars', { body: { faceId, [idProperty]: 'No' } })).toMatchObject(
      fault(400, 'BadArgument', `${title} ID is invalid.`),
    );
  });

  test('faces of different recognition models are not compared', async () => {
    await face.ask('PUT', list('old'), { name: 'old', recognitionModel: 'recognition_01' });
    const ann = await listed(list('old'), 'ann');
    await ready('old');
    const body = (faceId: string) => ({ body: { faceId, [idProperty]: 'old' } });
    const newer = await face.detect(picture('ann'));
    expect(await face.call('POST', '/findsimilars', body(newer))).toMatchObject(
      fault(400, 'BadArgument', "'recognitionModel' is incompatible."),
    );
    const same = await face.detect(picture('ann'), 'recognitionModel=recognition_01');
    expect(await face.call('POST', '/findsimilars', body(same))).toMatchObject({
      status: 200,
      body: [{ persistedFaceId: ann, confidence: 1 }],
    });
  });

  test('a face is added as it is to a person, and refused as there', async () => {
    await face.create(list('adds'));
    const all = `${list('adds')}/persistedfaces`;
    const add = (body: Uint8Array, query = '') => face.call('POST', `${all}${query}`, { body });
    expect(await add(picture())).toMatchObject(fault(400, 'InvalidImage', 'No face detected in the image.'));
    const two = picture('ann', 'ben');
    expect(await add(two)).toMatchObject(
      fault(400, 'InvalidImage', 'There is more than 1 face in the image.'),
    );
    expect((await add(two, '?targetFace=210,10,100,120')).status).toBe(200);
    const unknown = '00000000-0000-4000-8000-000000000000';
    expect(await face.call('DELETE', `${all}/${unknown}`)).toMatchObject(
      fault(404, 'PersistedFaceNotFound', `Persisted face ${unknown} is not found.`),
    );
    expect(await face.call('POST', `${list('none')}/persistedfaces`, { body: picture('ann') })).toMatchObject(
      fault(404, `${code}NotFound`, `${title} is not found.`),
    );
  });
});

test('a face list shows its faces, a large one lists them page by page', async () => {
  await face.create('/facelists/shown');
  const ids = [await listed('/facelists/shown', 'ann'), await listed('/facelists/shown', 'ben')].toSorted();
  const shown = await face.ask<{ persistedFaces: { persistedFaceId: string }[] }>('GET', '/facelists/shown');
  expect(shown.persistedFaces.map(({ persistedFaceId }) => persistedFaceId)).toEqual(ids);

  const large = '/largefacelists/shown';
  await face.create(large);
  const faces = [];
  for (const who of ['ann', 'ben', 'cy'])
    faces.push({ persistedFaceId: await listed(large, who), userData: who });
  faces.sort((a, b) => (a.persistedFaceId < b.persistedFaceId ? -1 : 1));
  const [first, second] = faces;
  expect(await face.ask('GET', `${large}/persistedfaces?top=2`)).toEqual(faces.slice(0, 2));
  expect(await face.ask('GET', `${large}/persistedfaces?start=${second?.persistedFaceId}`)).toEqual(
    faces.slice(2),
  );
  const one = `${large}/persistedfaces/${first?.persistedFaceId}`;
  await face.ask('PATCH', one, { userData: 'changed' });
  expect(await face.ask('GET', one)).toEqual({ ...first, userData: 'changed' });
});

test('a large face list is searched as it was trained last, without what was deleted since', async () => {
  const list = '/largefacelists/trained';
  await face.create(list);
  await listed(list, 'ann');
  await face.train(list);
  await listed(list, 'ben');
  const ben = await face.detect(picture('ben'));
  const find = () => face.ask<Similar>('POST', '/findsimilars', { faceId: ben, largeFaceListId: 'trained' });
  expect(await find()).toEqual([]);
  await face.train(list);
  expect(await find()).toHaveLength(1);
});

test('a face list holds a thousand faces, and there are 64 of them', async () => {
  const small = await startTestFace({ vision: createFakeVision() });
  for (let index = 0; index < 64; index += 1) await small.create(`/facelists/l${index}`);
  expect(await small.call('PUT', '/facelists/l64', { body: { name: 'x' } })).toMatchObject(
    fault(403, 'QuotaExceeded', 'Face list number reached limit.'),
  );
  expect(await small.ask('GET', '/facelists')).toHaveLength(64);
  // All faces but the last by way of the store.
  const add = () => small.call('POST', '/facelists/l0/persistedfaces', { body: picture('ann') });
  const store = openFaceStore(join(small.dataDir, 'face.sqlite'));
  const { key = 0 } = store.collection('facelists', 'l0') ?? {};
  const vector = embeddingOf('ann', 'recognition_01');
  store.transaction(() => {
    for (let count = 1; count < 1_000; count += 1)
      store.addFace(key, null, { id: randomUUID(), userData: null, vector });
  });
  store.close();
  expect((await add()).status).toBe(200);
  expect(await add()).toMatchObject(fault(403, 'QuotaExceeded', 'Persisted face number reached limit.'));
  const { persistedFaces } = await small.ask<{ persistedFaces: unknown[] }>('GET', '/facelists/l0');
  expect(persistedFaces).toHaveLength(1_000);
  await small.close();
});
