import { beforeEach, expect, test } from 'vitest';
import { FaceError } from '../../../shared/face/errors.ts';
import { tables } from '../../../shared/config/resources.ts';
import { eventually } from '../../helpers/eventually.ts';
import { inMemory, type InMemory } from '../../helpers/inMemory.ts';
import { portrait } from '../../helpers/pictures.ts';

let app: InMemory;
let fetched: number;
let detected: number;
/** What Face waits for before it answers; a rejection is its answer. */
let face: Promise<void>;

beforeEach(async () => {
  fetched = 0;
  detected = 0;
  face = Promise.resolve();
  app = inMemory({
    face: {
      async detect() {
        detected += 1;
        await face;
        return [];
      },
      deleteGroup: () => Promise.reject(new FaceError(404, 'LargePersonGroupNotFound', 'x')),
    },
    async fetchImage() {
      fetched += 1;
      return portrait('audrey_crop.jpg');
    },
  });
  await app.call('PUT', 'groups/club', { body: '{}' });
});

const ask = (key: string, query = '') =>
  app.call('POST', `groups/club/identify${query}`, {
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: '{"url":"https://example.com/a.jpg"}',
  });
const claims = () => app.rows(tables.results, 'z.');

test('a request that is repeated downloads nothing again, whatever key of the platform it comes with', async () => {
  const first = await ask('one', '?code=old');
  expect(first.status).toBe(200);
  expect(await ask('one', '?code=new')).toEqual(first);
  expect([fetched, detected]).toEqual([1, 1]);
  expect(await ask('one', '?maxCandidates=2')).toMatchObject({ status: 422, body: { code: 'key_reused' } });
});

test('a key is that of its caller alone', async () => {
  const askAs = (caller: string) =>
    app.call('POST', 'groups/club/identify', {
      caller,
      headers: { 'content-type': 'application/json', 'idempotency-key': 'one' },
      body: '{"url":"https://example.com/a.jpg"}',
    });
  const first = await askAs('ann');
  expect(await askAs('ann')).toEqual(first);
  expect((await askAs('bob')).body).not.toEqual(first.body);
  expect(fetched).toBe(2);
});

test('a request that failed has not used its key', async () => {
  face = Promise.reject(new Error('down'));
  face.catch(() => undefined);
  expect(await ask('one')).toMatchObject({ status: 500 });
  expect(claims()).toEqual([]);
  face = Promise.resolve();
  // Even for another request.
  expect(await ask('one', '?maxCandidates=2')).toMatchObject({ status: 200 });
});

test('a request that was taken for dead does not free the key of the one that took over', async () => {
  const stuck = Promise.withResolvers<void>();
  face = stuck.promise;
  const first = ask('one');
  await eventually('the first is at Face', async () => detected === 1);
  app.clock.now += 61_000;
  const alive = Promise.withResolvers<void>();
  face = alive.promise;
  const second = ask('one');
  await eventually('the second is at Face', async () => detected === 2);
  stuck.reject(new Error('late'));
  expect(await first).toMatchObject({ status: 500 });
  expect(await ask('one')).toMatchObject({ status: 409, body: { code: 'in_progress' } });
  alive.resolve();
  const { status, body } = await second;
  expect(status).toBe(200);
  expect(await ask('one')).toMatchObject({ status: 200, body: body as object });
});

test('claims go with their results, and when nobody asked again for a day', async () => {
  await ask('kept');
  face = new Promise(() => undefined);
  void ask('abandoned');
  await eventually('it is at Face', async () => detected === 2);
  expect(claims()).toHaveLength(2);
  app.clock.now += 23 * 3_600_000;
  await app.rollcall.resync();
  expect(claims()).toHaveLength(2);
  app.clock.now += 2 * 3_600_000;
  await app.rollcall.resync();
  expect(claims()).toHaveLength(1);
  app.clock.now += 31 * 86_400_000;
  await app.rollcall.resync();
  expect(app.rows(tables.results)).toEqual([]);
});

test('claims go with their group, answered or not', async () => {
  await ask('answered');
  face = new Promise(() => undefined);
  void ask('unanswered');
  await eventually('it is at Face', async () => detected === 2);
  expect(claims()).toHaveLength(2);
  const { id } = await app.rollcall.deleteGroup('club');
  await app.rollcall.eraseGroup('club');
  app.clock.now += 31_000;
  await app.rollcall.eraseGroup('club');
  expect((await app.rollcall.erasures.get(id))?.removedAt).toBeDefined();
  expect(app.rows(tables.results)).toEqual([]);
});

test('a result outlives its claim without harm', async () => {
  await ask('one');
  await app.rollcall.idempotencyRecords.forget('club', { top: 10 }, () => true);
  app.clock.now += 31 * 86_400_000;
  await app.rollcall.resync();
  expect(app.rows(tables.results)).toEqual([]);
});

test('JSON over 64 KB is refused', async () => {
  const body = `{"image":"identify/club/${'x'.repeat(70_000)}"}`;
  const headers = { 'content-type': 'application/json' };
  const tooLarge = { status: 413, body: { code: 'body_too_large' } };
  expect(await app.call('POST', 'groups/club/identify', { headers, body })).toMatchObject(tooLarge);
  expect(await app.call('PUT', 'groups/club', { headers, body })).toMatchObject(tooLarge);
  expect(
    await app.call('POST', 'groups/club/identify', {
      headers: { ...headers, 'idempotency-key': 'k' },
      body,
    }),
  ).toMatchObject(tooLarge);
});
