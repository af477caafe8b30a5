import { copyFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LokiCollection, LokiDatabase } from '../../../emulators/storage/azurite.ts';
import { openJournal, type LokiJournal } from '../../../emulators/storage/lokiJournal.ts';
import { sizeOf } from '../../helpers/size.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

// The Loki that Azurite uses, as Azurite uses it.
const requireOfAzurite = createRequire(createRequire(import.meta.url).resolve('azurite/package.json'));
const Loki = requireOfAzurite('lokijs') as new (file: string, options: object) => Loki;

type Document = { $loki?: number; key: string; value: unknown; at: Date };
type Collection = LokiCollection & {
  insert(documents: Document | Document[]): void;
  update(documents: object): void;
  remove(documents: object | object[]): void;
  findAndRemove(query: object): void;
};
type Loki = LokiDatabase & { collections: Collection[]; getCollection(name: string): Collection | null };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let count = 0;
let failures: unknown[] = [];

beforeEach(async () => {
  failures = [];
  folder = await temporaryFolder();
});
afterEach(async ({ task }) => {
  if (!task.name.startsWith('what cannot be kept')) expect(failures).toEqual([]);
  await folder.remove();
});

const newFile = (): string => join(folder.path, `${(count += 1)}.sqlite`);

function open(file: string): { journal: LokiJournal; loki: Loki } {
  const journal = openJournal(file, (error) => failures.push(error));
  const loki = new Loki('never-saved.json', { persistenceMethod: 'fs', autosave: true });
  journal.attach('blob', loki);
  return { journal, loki };
}

/** What a process that was killed now would find at its next start. */
function afterKill(file: string): { journal: LokiJournal; loki: Loki } {
  const copy = newFile();
  copyFileSync(file, copy);
  copyFileSync(`${file}-wal`, `${copy}-wal`);
  return open(copy);
}

/** All that Loki would have saved. */
function contents(loki: Loki): unknown {
  return loki.collections
    .map(({ name, data, maxId }) => ({ name, maxId, data: JSON.parse(JSON.stringify(data)) as unknown }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function expectIndexesRight(loki: Loki): void {
  for (const collection of loki.collections) {
    for (const wanted of keys) {
      expect(collection.find({ key: wanted })).toHaveLength(
        collection.data.filter((document) => document['key'] === wanted).length,
      );
    }
  }
}

const keys = ['a', 'b', 'c', 'd', 'ü/1'];
const key = fc.constantFrom(...keys);
const name = fc.constantFrom('rows', 'account$table', 'other');
const step = fc.oneof(
  fc.record({ do: fc.constant('insert'), name, key, value: fc.jsonValue() }),
  fc.record({ do: fc.constant('insertMany'), name, key, value: fc.jsonValue() }),
  fc.record({ do: fc.constant('update'), name, key, value: fc.jsonValue() }),
  fc.record({ do: fc.constant('replace'), name, key, value: fc.jsonValue() }),
  fc.record({ do: fc.constant('remove'), name, key, value: fc.constant(null) }),
  fc.record({ do: fc.constant('findAndRemove'), name, key, value: fc.constant(null) }),
  fc.record({ do: fc.constant('dropCollection'), name, key, value: fc.constant(null) }),
  fc.record({ do: fc.constant('commit'), name, key, value: fc.constant(null) }),
);

function collectionOf(loki: Loki, collection: string): Collection {
  return (loki.getCollection(collection) ??
    loki.addCollection(collection, { indices: ['key'] })) as Collection;
}

function run(loki: Loki, { do: action, name: target, key: wanted, value }: Record<string, unknown>): void {
  const collection = collectionOf(loki, String(target));
  const fresh = (): Document => ({ key: String(wanted), value, at: new Date(count) });
  const found = collection.findOne({ key: String(wanted) });
  if (action === 'insert') collection.insert(fresh());
  if (action === 'insertMany') collection.insert([fresh(), fresh()]);
  if (action === 'update' && found !== null) {
    // In place, as Azurite does it.
    found['value'] = value;
    collection.update(found);
  }
  if (action === 'replace') {
    if (found !== null) collection.remove(found);
    collection.insert(fresh());
  }
  if (action === 'remove') collection.remove(collection.find({ key: String(wanted) }));
  if (action === 'findAndRemove') collection.findAndRemove({ key: String(wanted) });
  if (action === 'dropCollection') loki.removeCollection(String(target));
}

test('whatever Azurite does with Loki, a kill leaves exactly what was committed', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const file = newFile();
      const { journal, loki } = open(file);
      journal.commit();
      let committed = contents(loki);
      for (const next of steps) {
        if (next.do === 'commit') {
          journal.commit();
          committed = contents(loki);
        } else {
          run(loki, next);
        }
      }
      // In the same turn: what was done since the last commit is not committed by itself yet.
      const killed = afterKill(file);
      expect(contents(killed.loki)).toEqual(committed);
      expectIndexesRight(killed.loki);
      // And it can be worked with.
      for (const next of steps) run(killed.loki, next);
      expectIndexesRight(killed.loki);
      killed.journal.close();
      journal.close();
      const again = open(file);
      expect(contents(again.loki)).toEqual(contents(loki));
      again.journal.close();
    }),
    { numRuns: sizeOf({ quick: 20, full: 2_000 }) },
  );
});

test('the changes of one turn are committed together, at the latest with the turn', async () => {
  const file = newFile();
  const { journal, loki } = open(file);
  const rows = collectionOf(loki, 'rows');
  rows.insert({ key: 'a', value: 1, at: new Date() });
  journal.commit();
  await Promise.resolve().then(() => rows.findAndRemove({ key: 'a' }));
  const between = afterKill(file);
  expect(between.loki.getCollection('rows')?.data).toHaveLength(1);
  between.journal.close();
  await Promise.resolve().then(() => rows.insert({ key: 'a', value: 2, at: new Date() }));
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const after = afterKill(file);
  expect(after.loki.getCollection('rows')?.data).toMatchObject([{ key: 'a', value: 2 }]);
  after.journal.close();
  journal.close();
});

test('what cannot be kept is never committed, however often it is tried', async () => {
  const { journal, loki } = open(newFile());
  const rows = collectionOf(loki, 'rows');
  journal.commit();
  const cannotBeWritten: Record<string, unknown> = { key: 'a', value: 1n, at: new Date() };
  expect(() => rows.insert(cannotBeWritten as Document)).toThrow(/BigInt/);
  expect(journal.commit).toThrow('cannot be kept');
  expect(() => rows.insert({ key: 'b', value: 1, at: new Date() })).toThrow('cannot be kept');
  expect(journal.commit).toThrow('cannot be kept');
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(failures.length).toBeGreaterThan(0);
});
