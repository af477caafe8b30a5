import type { TableClient } from '@azure/data-tables';
import { beforeEach, expect, test } from 'vitest';
import { createVersionCheck, tablesVersion } from '../../../shared/records/version.ts';
import { createTable, type Table } from '../../../shared/records/table.ts';
import { inMemory } from '../../helpers/inMemory.ts';

let app: ReturnType<typeof inMemory>;
let groups: Table;
beforeEach(() => {
  app = inMemory();
  groups = createTable(app.table('groups') as unknown as TableClient);
});

const version = async () => (await groups.get('version', 'tables'))?.value;
const write = (value: unknown) => groups.write('version', [{ kind: 'put', rowKey: 'tables', value }]);

test('empty tables get the version, which the next start finds', async () => {
  await app.rollcall.checkVersion();
  expect(await version()).toEqual({ version: tablesVersion });
  await app.call('PUT', 'groups/g', { body: '{}' });
  await createVersionCheck(groups)();
});

test('instances that start at once agree', async () => {
  await Promise.all(Array.from({ length: 4 }, () => createVersionCheck(groups)()));
  expect(await version()).toEqual({ version: tablesVersion });
});

test('tables of another version are refused, with a sentence, and stay as they are', async () => {
  await write({ version: tablesVersion + 1 });
  await expect(app.rollcall.checkVersion()).rejects.toMatchObject({
    code: 'other_version',
    message: `The tables are of version ${tablesVersion + 1}, and this Rollcall reads version ${tablesVersion}.`,
  });
  expect(await version()).toEqual({ version: tablesVersion + 1 });
  const { body } = await app.call('GET', 'health');
  expect(body).toMatchObject({ parts: { tables: { status: 'down', detail: 'other_version' } } });
});

test('tables with data and without a version are refused', async () => {
  await app.call('PUT', 'groups/g', { body: '{}' });
  await expect(createVersionCheck(groups)()).rejects.toMatchObject({ code: 'other_version' });
  expect(await version()).toBeUndefined();
});

test('it is looked at once, and again only after an outage', async () => {
  let reads = 0;
  let isDown = true;
  app.before.access = () => {
    reads += 1;
    if (isDown) throw new Error('an outage');
  };
  const check = createVersionCheck(groups);
  await expect(check()).rejects.toThrow('an outage');
  isDown = false;
  await check();
  const before = reads;
  await check();
  expect(reads).toBe(before);
});
