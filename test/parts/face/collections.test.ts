import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFaceStore } from '../../../emulators/face/storage/store.ts';
import { createFakeVision, embeddingOf, picture } from './fakeVision.ts';
import { kinds, startTestFace, type TestFace } from './harness.ts';

let face: TestFace;

beforeAll(async () => {
  face = await startTestFace({ vision: createFakeVision() });
});

afterAll(() => face.close());

describe.each(kinds)('$path', ({ path, idProperty, title }) => {
  const group = (id: string) => `/${path}/${id}`;

  test('a group is created, read, changed and deleted with empty answers', async () => {
    const created = await face.call('PUT', group('g'), { body: { name: 'n', userData: 'u' } });
    expect(created).toMatchObject({ status: 200, body: undefined });
    expect(created.headers.get('content-length')).toBe('0');
    expect(created.headers.get('content-type')).toBeNull();
    expect(await face.ask('GET', group('g'))).toEqual({ [idProperty]: 'g', name: 'n', userData: 'u' });
    expect(await face.ask('GET', `${group('g')}?returnRecognitionModel=true`)).toMatchObject({
      recognitionModel: 'recognition_01',
    });
    await face.ask('PATCH', group('g'), { name: 'other' });
    expect(await face.ask('GET', group('g'))).toMatchObject({ name: 'other', userData: 'u' });
    await face.ask('DELETE', group('g'));
    expect(await face.call('GET', group('g'))).toMatchObject({
      status: 404,
      body: { error: { message: `${title} is not found.` } },
    });
  });

  test('lists are paged by ID, strictly after the start', async () => {
    for (const id of ['page-c', 'page-a', 'page-b']) await face.create(group(id));
    const page = await face.ask<Record<string, string>[]>('GET', `/${path}?start=page-&top=2`);
    expect(page.map((item) => item[idProperty])).toEqual(['page-a', 'page-b']);
    const next = await face.ask<Record<string, string>[]>('GET', `/${path}?start=page-b&top=1`);
    expect(next.map((item) => item[idProperty])).toEqual(['page-c']);

    const people = [];
    for (const name of ['x', 'y', 'z']) people.push(await face.person(group('page-a'), name));
    people.sort();
    type Persons = { personId: string; persistedFaceIds: string[] }[];
    const first = await face.ask<Persons>('GET', `${group('page-a')}/persons?top=2`);
    const rest = await face.ask<Persons>('GET', `${group('page-a')}/persons?start=${people[1]}`);
    expect([...first, ...rest].map(({ personId }) => personId)).toEqual(people);
    expect(rest).toMatchObject([{ persistedFaceIds: [] }]);
  });

  test('a person and a face are read, changed and deleted', async () => {
    await face.create(group('people'));
    const personId = await face.person(group('people'), 'p');
    const person = `${group('people')}/persons/${personId}`;
    const { persistedFaceId } = await face.ask<{ persistedFaceId: string }>(
      'POST',
      `${person}/persistedfaces?userData=a%20b%2Cc`,
      picture('ann'),
    );
    expect(persistedFaceId).toMatch(/^[\da-f-]{36}$/);
    expect(await face.ask('GET', person)).toEqual({
      personId,
      name: 'p',
      persistedFaceIds: [persistedFaceId],
    });
    const path1 = `${person}/persistedfaces/${persistedFaceId}`;
    expect(await face.ask('GET', path1)).toEqual({ persistedFaceId, userData: 'a b,c' });
    await face.ask('PATCH', path1, { userData: 'd' });
    await face.ask('PATCH', path1, {});
    expect(await face.ask('GET', path1)).toEqual({ persistedFaceId, userData: 'd' });
    await face.ask('PATCH', person, { userData: 'kept' });
    await face.ask('DELETE', path1);
    expect(await face.ask('GET', person)).toEqual({
      personId,
      name: 'p',
      userData: 'kept',
      persistedFaceIds: [],
    });
    await face.ask('DELETE', person);
    expect((await face.call('GET', person)).body).toMatchObject({ error: { code: 'PersonNotFound' } });
    expect((await face.call('DELETE', person)).status).toBe(404);
  });
});

test('the same ID names two things in two kinds', async () => {
  await face.create('/persongroups/twin');
  expect((await face.call('GET', '/largepersongroups/twin')).status).toBe(404);
  await face.create('/largepersongroups/twin');
  await face.ask('DELETE', '/largepersongroups/twin');
  expect((await face.call('GET', '/persongroups/twin')).status).toBe(200);
});

test('a group that is created anew holds nothing of the earlier one', async () => {
  const scope = { largePersonGroupId: 'again' };
  await face.create('/largepersongroups/again');
  await face.person('/largepersongroups/again', 'ann', picture('ann'));
  await face.train('/largepersongroups/again');
  const faceId = await face.detect(picture('ann'));
  expect(await face.identify(faceId, scope)).toHaveLength(1);
  await face.ask('DELETE', '/largepersongroups/again');
  await face.create('/largepersongroups/again');
  expect((await face.call('GET', '/largepersongroups/again/training')).status).toBe(404);
  const ben = await face.person('/largepersongroups/again', 'ben', picture('ben'));
  await face.train('/largepersongroups/again');
  expect(await face.identify(faceId, scope)).toEqual([]);
  expect(await face.identify(await face.detect(picture('ben')), scope)).toEqual([ben]);
});

test('a person takes 248 faces and not one more', async () => {
  await face.create('/largepersongroups/full');
  const personId = await face.person('/largepersongroups/full', 'ann');
  // All but the last by way of the store.
  const store = openFaceStore(join(face.dataDir, 'face.sqlite'));
  const { key = 0 } = store.collection('largepersongroups', 'full') ?? {};
  const vector = embeddingOf('ann');
  for (let count = 1; count < 248; count += 1)
    store.addFace(key, personId, { id: randomUUID(), userData: null, vector });
  store.close();
  const path = `/largepersongroups/full/persons/${personId}/persistedfaces`;
  await face.ask('POST', path, picture('ann'));
  expect(await face.call('POST', path, { body: picture('ann') })).toMatchObject({
    status: 403,
    body: { error: { code: 'QuotaExceeded', message: 'Persisted face number reached limit.' } },
  });
});

test('the free plan takes 1,000 persons in all groups of a kind', async () => {
  const free = await startTestFace({ vision: createFakeVision(), plan: 'F0' });
  await free.create('/persongroups/one');
  await free.create('/persongroups/two');
  await free.person('/persongroups/two', 'the first');
  const gone = await free.person('/persongroups/two', 'gone');
  await free.ask('DELETE', `/persongroups/two/persons/${gone}`);
  // The others by way of the store.
  const store = openFaceStore(join(free.dataDir, 'face.sqlite'));
  const one = store.collection('persongroups', 'one')?.key ?? 0;
  store.transaction(() => {
    for (let count = 2; count < 1_000; count += 1) store.addPerson(one, randomUUID(), 'x', null);
  });
  store.close();
  await free.person('/persongroups/one', 'the last');
  const body = { name: 'one too many' };
  expect((await free.call('POST', '/persongroups/one/persons', { body })).body).toMatchObject({
    error: { code: 'QuotaExceeded', message: 'Person number reached subscription level limit.' },
  });
  await free.ask('DELETE', '/persongroups/two');
  await free.person('/persongroups/one', 'fits');
  expect((await free.call('POST', '/persongroups/one/persons', { body })).body).toMatchObject({
    error: { code: 'QuotaExceeded', message: 'Person number reached person group level limit.' },
  });
  await free.close();
});
