import { beforeEach, expect, test } from 'vitest';
import { tables } from '../../../shared/config/resources.ts';
import { inMemory, type InMemory } from '../../helpers/inMemory.ts';

let app: InMemory;
let etag: string;

beforeEach(async () => {
  app = inMemory();
  etag = (await app.call('PUT', 'groups/club', { body: '{}' })).headers?.['etag'] ?? '';
});

/** Somebody changes the group just before it would be marked as deleted. */
function changeBeforeDeletion(change: () => Promise<unknown>): void {
  app.before.access = async (what) => {
    if (what !== `write ${tables.erasures}`) return;
    app.before.access = () => undefined;
    await change();
  };
}

const remove = () => app.call('DELETE', 'groups/club', { headers: { 'if-match': etag } });
const erasures = () => app.rows(tables.erasures).length;

test('a group that changes while it is being deleted in an older version is not deleted', async () => {
  changeBeforeDeletion(() => app.rollcall.putGroup('club', { minQuality: 'low' }));
  expect(await remove()).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
  expect(erasures()).toBe(0);
  await app.rollcall.resync();
  expect(await app.call('GET', 'groups/club')).toMatchObject({ status: 200, body: { minQuality: 'low' } });
});

test('the resync, too, deletes only the version that the request was about', async () => {
  changeBeforeDeletion(async () => {
    await app.rollcall.putGroup('club', { minQuality: 'low' });
    app.before.access = async (what) => {
      // The request is late: the resync comes by after its record was opened.
      if (what !== `get ${tables.groups}`) return;
      app.before.access = () => undefined;
      await app.rollcall.resync();
    };
  });
  expect(await remove()).toMatchObject({ status: 412 });
  expect(await app.call('GET', 'groups/club')).toMatchObject({ status: 200 });
  expect(erasures()).toBe(0);
});

test('a request that died before it deleted anything is not done by the resync in another version', async () => {
  changeBeforeDeletion(async () => {
    await app.rollcall.putGroup('club', { minQuality: 'low' });
    app.before.access = (what) =>
      what === `get ${tables.groups}` ? Promise.reject(new Error('the process died')) : undefined;
  });
  expect(await remove()).toMatchObject({ status: 500 });
  app.before.access = () => undefined;
  expect(erasures()).toBe(2);
  await app.rollcall.resync();
  expect(await app.call('GET', 'groups/club')).toMatchObject({ status: 200 });
  expect(erasures()).toBe(0);
});

test('without a condition a changed group is deleted all the same', async () => {
  changeBeforeDeletion(() => app.rollcall.putGroup('club', { minQuality: 'low' }));
  expect(await app.call('DELETE', 'groups/club')).toMatchObject({ status: 202 });
  expect(await app.call('GET', 'groups/club')).toMatchObject({ status: 404 });
});

test('a group answers with what was put, though it is deleted in that moment', async () => {
  app.before.access = (what) => {
    if (what !== `write ${tables.groups}`) return;
    app.before.access = async () => {
      app.before.access = () => undefined;
      await app.rollcall.deleteGroup('club');
    };
  };
  const { status, body } = await app.call('PUT', 'groups/club', { body: '{"minQuality":"low"}' });
  expect({ status, body }).toMatchObject({ status: 200, body: { group: 'club', minQuality: 'low' } });
});
