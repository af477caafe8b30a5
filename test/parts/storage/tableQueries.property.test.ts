import { TableClient } from '@azure/data-tables';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningEmulator } from '../../../emulators/common/childProcess.ts';
import { startStorage, type StorageReady } from '../../../emulators/storage/storage.ts';
import { sizeOf } from '../../helpers/size.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

/* Queries look at what the indexes give: they must give no row less than a look at all rows. */

const partitions = ['g.1', 'g.2', "o'neil", '12'];
const rowKeys = [
  ...['', '0', '12', '9', '012', '1e3', '-1', ' 7', '8235000000000', '8235000000000-a', '!', '~', '_'],
  ...[
    'A',
    'Infinity',
    'I',
    'J',
    'NaN',
    'Z',
    'a',
    'a1',
    'b',
    "b'c",
    'b-',
    'bz',
    'c',
    'e5',
    'p',
    'p1',
    'pä',
    'z',
    'ä',
  ],
];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let storage: RunningEmulator<StorageReady>;
let table: TableClient;

beforeAll(async () => {
  folder = await temporaryFolder();
  storage = await startStorage({ dataDir: folder.path, containers: [] });
  table = TableClient.fromConnectionString(storage.ready.connectionString, 'rows', {
    allowInsecureConnection: true,
  });
  await table.createTable();
  for (const partitionKey of partitions) {
    await table.submitTransaction(rowKeys.map((rowKey) => ['create', { partitionKey, rowKey }]));
  }
});

afterAll(async () => {
  await storage.close();
  await folder.remove();
});

const quoted = (key: string): string => `'${key.replaceAll("'", "''")}'`;

async function keysOf(filter: string, maxPageSize: number): Promise<string[][]> {
  const keys: string[][] = [];
  for await (const page of table.listEntities({ queryOptions: { filter } }).byPage({ maxPageSize })) {
    for (const { partitionKey = '', rowKey = '' } of page) keys.push([partitionKey, rowKey]);
  }
  return keys;
}

const ascending = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

test('a range of a partition is every row in it, in order, whatever keys there are and however it is paged', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...partitions),
      fc.constantFrom(...rowKeys),
      fc.constantFrom(...rowKeys, 'p\uffff'),
      fc.constantFrom(2, 5, 1_000),
      async (partition, from, before, maxPageSize) => {
        const filter = `PartitionKey eq ${quoted(partition)} and RowKey ge ${quoted(from)} and RowKey lt ${quoted(before)}`;
        const expected = rowKeys.filter((key) => key >= from && key < before).toSorted(ascending);
        expect(await keysOf(filter, maxPageSize)).toEqual(expected.map((key) => [partition, key]));
      },
    ),
    { numRuns: sizeOf({ quick: 50, full: 2_000 }) },
  );
});

test.each(partitions)(
  'the partition "%s" is every row of it, and no other filter is taken for one',
  async (partition) => {
    const all = rowKeys.toSorted(ascending).map((key) => [partition, key]);
    expect(await keysOf(`PartitionKey eq ${quoted(partition)}`, 7)).toEqual(all);
    const either = await keysOf(`PartitionKey eq ${quoted(partition)} or PartitionKey eq 'g.2'`, 1_000);
    expect(either.length).toBe(partition === 'g.2' ? rowKeys.length : 2 * rowKeys.length);
  },
);
