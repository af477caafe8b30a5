import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStorage, type StorageReady } from '../../../emulators/storage/storage.ts';
import type { RunningEmulator } from '../../../emulators/common/childProcess.ts';
import { createFaceIds, type SeenFace } from '../../../shared/records/faceIds.ts';
import { createResults } from '../../../shared/records/results.ts';
import { createTable } from '../../../shared/records/table.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let storage: RunningEmulator<StorageReady>;
// A mocked clock, for lifetimes of days.
let now = Date.parse('2026-01-01T00:00:00Z');

beforeAll(async () => {
  folder = await temporaryFolder();
  storage = await startStorage({ dataDir: folder.path, containers: [] });
});

afterAll(async () => {
  await storage.close();
  await folder.remove();
});

async function tableClient(name: string): Promise<TableClient> {
  const client = TableClient.fromConnectionString(storage.ready.connectionString, name, {
    allowInsecureConnection: true,
  });
  await client.createTable();
  return client;
}

async function rowsOf(client: TableClient): Promise<number> {
  let count = 0;
  for await (const _row of client.listEntities()) count += 1;
  return count;
}

async function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

const seen = (faceId: string, detectedAt: number): SeenFace => ({
  faceId,
  faceRectangle: { left: 0, top: 0, width: 9, height: 9 },
  recognitionModel: 'recognition_04',
  detectedAt,
  expiresAt: detectedAt + 86_400_000,
});

test('face IDs come newest first, are not used in their last two minutes, and leave nothing behind', async () => {
  const client = await tableClient('faceids');
  const faceIds = createFaceIds(createTable(client), () => now);
  const faces = Array.from({ length: 1_100 }, (_, index) => seen(`face-${index}`, now + index));
  // More than storage gives at a time.
  await faceIds.remember('g', faces);
  expect((await collect(faceIds.newest('g', 'recognition_04', 0))).map(({ faceId }) => faceId)).toEqual(
    faces.map(({ faceId }) => faceId).toReversed(),
  );
  expect(await collect(faceIds.newest('g', 'recognition_01', 0))).toEqual([]);
  expect(await collect(faceIds.newest('g', 'recognition_04', now + 1_090))).toHaveLength(10);
  now += 86_400_000 - 118_000;
  const old = await faceIds.get('g', 'face-0');
  expect(old !== undefined && faceIds.isUsable(old)).toBe(false);
  expect(await collect(faceIds.newest('g', 'recognition_04', 0))).toEqual([]);
  now += 320_000;
  await faceIds.dropExpired('g', 86_400_000, 2_000);
  expect(await rowsOf(client)).toBe(0);
});

test('results past their retention leave nothing behind, younger ones stay', async () => {
  const client = await tableClient('results');
  const results = createResults(createTable(client), () => now);
  const record = async (persons: string[]): Promise<string> => {
    const id = results.newId();
    await results.record(
      { id, kind: 'identify', group: 'g', createdAt: new Date(now).toISOString() },
      persons,
    );
    return id;
  };
  await record(['ann', 'bob']);
  await record([]);
  now += 10 * 86_400_000;
  const young = await record(['ann', 'ann']);
  expect((await results.list('g', { top: 10, person: 'ann' })).items).toHaveLength(2);
  await results.dropOlderThan('g', 5 * 86_400_000, 1_000);
  expect((await results.list('g', { top: 10 })).items.map(({ id }) => id)).toEqual([young]);
  expect((await results.list('g', { top: 10, person: 'ann' })).items.map(({ id }) => id)).toEqual([young]);
  // The result, its kind and its person.
  expect(await rowsOf(client)).toBe(3);
});
