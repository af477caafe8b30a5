import type { TableClient } from '@azure/data-tables';
import { expect, test } from 'vitest';
import type { Stored } from '../../../shared/records/entity.ts';
import { prefixed, type Page } from '../../../shared/records/ranges.ts';
import { createTable, WriteConflict } from '../../../shared/records/table.ts';
import { inMemory } from '../../helpers/inMemory.ts';

test('a long record is kept in properties of at most 64 KiB, none of which ends in half a character', async () => {
  let entity: Record<string, unknown> = {};
  const client = {
    createEntity: async (given: Record<string, unknown>) => {
      entity = given;
      return { etag: 'x' };
    },
    getEntity: async () => ({ ...entity, etag: 'x' }),
  };
  const table = createTable(client as unknown as TableClient);
  for (const lead of ['', 'x']) {
    const value = { text: lead + '🙂'.repeat(100_000) };
    await table.replace('p', 'r', value, undefined);
    const chunks = Object.entries(entity).flatMap(([name, text]) => (name.startsWith('value') ? text : []));
    expect(chunks.every((chunk) => String(chunk).isWellFormed() && String(chunk).length <= 32_768)).toBe(
      true,
    );
    expect((await table.get('p', 'r'))?.value).toEqual(value);
  }
});

type Counter = { count: number };

/** A table in memory, and a function to run something just before its next transaction. */
function tableWithRival() {
  const app = inMemory();
  const table = createTable(app.table('groups') as unknown as TableClient);
  const beforeNextWrite = (rival: () => Promise<void>) => {
    app.before.access = async (what) => {
      if (!what.startsWith('write')) return;
      app.before.access = () => undefined;
      await rival();
    };
  };
  return { table, beforeNextWrite };
}

const plusOne = (row: Counter | undefined): Counter => ({ count: (row?.count ?? 0) + 1 });

test('an update is repeated on what a faster writer left', async () => {
  const { table, beforeNextWrite } = tableWithRival();
  for (const count of [2, 4]) {
    beforeNextWrite(async () => void (await table.update('p', 'r', plusOne)));
    const updated = await table.update('p', 'r', plusOne);
    expect(updated).toEqual({ before: { count: count - 1 }, after: { count }, changed: true });
  }
});

test('an update writes nothing where nothing changes or where it is refused', async () => {
  const { table } = tableWithRival();
  const unchanged = { changed: false, before: undefined, after: undefined };
  expect(await table.update<Counter>('p', 'r', () => undefined)).toEqual(unchanged);
  expect(await table.update<Counter>('p', 'r', plusOne, async () => undefined)).toEqual(unchanged);
  expect(await table.get('p', 'r')).toBeUndefined();
  const { after } = await table.update<Counter>('p', 'r', plusOne);
  const stored = await table.get('p', 'r');
  expect(await table.update<Counter>('p', 'r', (row) => row)).toEqual({
    before: after,
    after,
    changed: false,
  });
  expect(await table.get('p', 'r')).toEqual(stored);
});

test('an update and its other writes are written together or not at all', async () => {
  const { table } = tableWithRival();
  const other = { kind: 'insert' as const, rowKey: 'other', value: { of: 1 } };
  await table.update<Counter>('p', 'r', plusOne, async () => [other]);
  expect((await table.get('p', 'other'))?.value).toEqual({ of: 1 });
  await expect(
    table.update<Counter>('p', 'r', plusOne, async (after) => (after.count < 9 ? [other] : undefined)),
  ).rejects.toMatchObject({ code: 'conflict' });
  expect((await table.get('p', 'r'))?.value).toEqual({ count: 1 });
});

test('a row that a faster writer changed is removed only if it still matches', async () => {
  const { table, beforeNextWrite } = tableWithRival();
  await table.remove('p', 'r');
  await table.update('p', 'r', plusOne);
  beforeNextWrite(async () => void (await table.update('p', 'r', plusOne)));
  await table.remove<Counter>('p', 'r', ({ count }) => count === 1);
  expect((await table.get('p', 'r'))?.value).toEqual({ count: 2 });
  await table.remove<Counter>('p', 'r', ({ count }) => count === 2);
  expect(await table.get('p', 'r')).toBeUndefined();
});

test('pages of a range are listed and deleted in order, and each continues where the one before ended', async () => {
  const { table } = tableWithRival();
  const keys = Array.from({ length: 250 }, (_, index) => String(index).padStart(3, '0'));
  const pairs = keys.flatMap((key) => [
    { kind: 'put' as const, rowKey: `a.${key}`, value: { key } },
    { kind: 'put' as const, rowKey: `b.${key}`, value: {} },
  ]);
  await table.writeAll('p', pairs);
  const range = prefixed('p', 'a.');
  const isEven = ({ key }: { key: string }) => Number(key) % 2 === 0;
  const listed: string[] = [];
  for (let after: string | undefined = ''; after !== undefined;) {
    const page: Page<Stored<{ key: string }>> = await table.list(
      range,
      { top: 50, after: after || undefined },
      ({ value }) => isEven(value),
    );
    expect(page.items.length).toBeGreaterThan(0);
    listed.push(...page.items.map(({ value }) => value.key));
    after = page.next;
  }
  expect(listed).toEqual(keys.filter((key) => isEven({ key })));

  const first = await table.deleteWhere<{ key: string }>(
    range,
    { top: 200 },
    ({ value }) => isEven(value),
    ({ key }) => `b.${key}`,
  );
  expect([first.dropped.length, first.next]).toEqual([100, 'a.199']);
  const rest = await table.deleteWhere<{ key: string }>(range, { top: 200, after: first.next }, () => true);
  expect([rest.dropped.map(({ key }) => key), rest.next]).toEqual([keys.slice(200), undefined]);
  const left = async (prefix: string) =>
    (await table.list(prefixed('p', prefix), { top: 500 })).items.map(({ rowKey }) => rowKey.slice(2));
  expect(await left('a.')).toEqual(keys.slice(0, 200).filter((key) => !isEven({ key })));
  expect(await left('b.')).toEqual(keys.filter((key) => Number(key) >= 200 || !isEven({ key })));
});

test('a page with a row that a faster writer changed is not deleted', async () => {
  const { table, beforeNextWrite } = tableWithRival();
  await table.update('p', 'a', plusOne);
  await table.update('p', 'b', plusOne);
  beforeNextWrite(async () => void (await table.update('p', 'b', plusOne)));
  const deletion = table.deleteWhere<Counter>(
    prefixed('p', ''),
    { top: 9 },
    ({ value }) => value.count === 1,
  );
  await expect(deletion).rejects.toBeInstanceOf(WriteConflict);
  const { items } = await table.list<Counter>(prefixed('p', ''), { top: 9 });
  expect(items.map(({ rowKey, value }) => [rowKey, value.count])).toEqual([
    ['a', 1],
    ['b', 2],
  ]);
});
