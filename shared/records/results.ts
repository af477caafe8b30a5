import { randomBytes } from 'node:crypto';
import { newestFirst, personKeyOf } from './keys.ts';
import { longestRecord, type Stored, type Write } from './entity.ts';
import { readsAtOnce } from './parallel.ts';
import {
  afterPrefix,
  following,
  inSlices,
  prefixed,
  take,
  takePage,
  type Page,
  type PageQuery,
} from './ranges.ts';
import type { Table } from './table.ts';

export type ResultKind = 'identify' | 'find-similar' | 'verify';

/** The answer of identify, find-similar or verify, stored as it was returned. */
export type StoredResult = { id: string; kind: ResultKind; group: string; createdAt: string; image?: string };

/** `since`, `until`: range of the time of the request, in milliseconds since 1970, both inclusive. */
export type ResultQuery = PageQuery & {
  kind?: ResultKind | undefined;
  person?: string | undefined;
  since?: number | undefined;
  until?: number | undefined;
};

/** A result, the prefixes of its index rows, and the row key of its idempotency record. */
type ResultRow = { result: StoredResult; index: string[]; claim?: string };

/** The ID under which a result is recorded; `claim`: row key of the idempotency record to delete with the result. */
export type RecordAs = { id: string; claim?: string };

/** The most index rows of a result: a transaction takes 100 writes, of which two are the result and its `claim`. */
const indexRowsAtMost = 98;
const indexEntryLength = 60;

/** The most characters of JSON in a result, leaving room for the rest of its row. */
export const longestResult = longestRecord - indexRowsAtMost * indexEntryLength - 200;

export type Results = ReturnType<typeof createResults>;

/**
 * Results by time (`a.`), and an index of them by kind (`k.`) and by person (`{key}.`), newest first. The ID contains
 * the time and so serves as row key.
 */
export function createResults(table: Table, now: () => number) {
  return {
    newId(): string {
      return `r${newestFirst(now())}${randomBytes(6).toString('hex')}`;
    },

    async record(
      result: StoredResult,
      persons: readonly string[],
      { claim }: Pick<RecordAs, 'claim'> = {},
    ): Promise<void> {
      await table.write(result.group, toWrites(result, persons, claim));
    },

    async get(group: string, id: string): Promise<StoredResult | undefined> {
      return (await table.get<ResultRow>(group, toRowKey(id)))?.value.result;
    },

    async list(group: string, query: ResultQuery): Promise<Page<StoredResult>> {
      return takePage(newestResults(table, group, query), query.top, ({ id }) => id);
    },

    /**
     * Redacts one page of results, newest first: replaces each result by the return value of `redact`, or deletes the
     * result where `redact` returns undefined. `redact` returns the identical object where nothing has to be removed.
     * Index rows of changed results under `person` (a key) are removed.
     */
    async forget(
      group: string,
      page: PageQuery,
      redact: (result: StoredResult) => StoredResult | undefined | Promise<StoredResult | undefined>,
      person?: string,
    ): Promise<{ changed: number; next?: string }> {
      const { items, ...rest } = await table.list<ResultRow>(prefixed(group, 'a.'), page);
      let changed = 0;
      for (const row of items) {
        const kept = await redact(row.value.result);
        if (kept === row.value.result) continue;
        await (kept === undefined ? dropRow(table, group, row) : replaceRow(table, group, row, kept, person));
        changed += 1;
      }
      return { changed, ...rest };
    },

    /** Deletes a result with all its index rows. Resolves with the number of deleted results, 1 or 0. */
    async drop(group: string, id: string): Promise<number> {
      const row = await table.get<ResultRow>(group, toRowKey(id));
      if (row === undefined) return 0;
      await dropRow(table, group, row);
      return 1;
    },

    /** Deletes results older than `ageMs` milliseconds, with all their index rows; at most `top`. */
    async dropOlderThan(group: string, ageMs: number, top: number): Promise<void> {
      const from = toRowKey(`r${newestFirst(now() - ageMs)}`);
      const rows = table.range<ResultRow>(group, from, afterPrefix('a.'));
      for (const row of await take(rows, top)) await dropRow(table, group, row);
    },
  };
}

async function* newestResults(table: Table, group: string, query: ResultQuery): AsyncGenerator<StoredResult> {
  const { kind, person, since, top } = query;
  const prefix =
    person !== undefined ? personPrefix(group, person) : kind !== undefined ? `k.${kind}.` : toRowKey('');
  const before = since === undefined ? afterPrefix(prefix) : `${prefix}r${newestFirst(since)}~`;
  const rows = table.range<ResultRow>(group, `${prefix}${firstId(query)}`, before);
  if (prefix === toRowKey('')) {
    for await (const { value } of rows) yield value.result;
    return;
  }
  for await (const slice of inSlices(rows, Math.min(top + 1, readsAtOnce))) {
    const ids = slice.map(({ rowKey }) => rowKey.slice(prefix.length));
    const found = await Promise.all(ids.map((id) => table.get<ResultRow>(group, toRowKey(id))));
    for (const row of found)
      if (row !== undefined && (kind === undefined || row.value.result.kind === kind)) yield row.value.result;
  }
}

/** The first ID to read: the greater of the cursor and the ID of `until`, since both exclude newer results. */
function firstId({ after = '', until }: ResultQuery): string {
  const from = after === '' ? '' : following(after);
  const latest = until === undefined ? '' : `r${newestFirst(until)}`;
  return from > latest ? from : latest;
}

/** The writes of a result and of its index rows. */
function toWrites(result: StoredResult, persons: readonly string[], claim: string | undefined): Write[] {
  const prefixes = [`k.${result.kind}.`, ...persons.map((name) => personPrefix(result.group, name))];
  const index = [...new Set(prefixes)].slice(0, indexRowsAtMost);
  const row: ResultRow = { result, index, ...(claim !== undefined && { claim }) };
  return [
    { kind: 'put', rowKey: toRowKey(result.id), value: row },
    ...toIndexKeys(result, index).map((rowKey) => ({ kind: 'put' as const, rowKey, value: {} })),
  ];
}

/** Replaces a result, and removes its index row under a person (a key). */
async function replaceRow(
  table: Table,
  group: string,
  { rowKey, value, etag }: Stored<ResultRow>,
  result: StoredResult,
  person: string | undefined,
): Promise<void> {
  const index = value.index.filter((prefix) => prefix !== `${person}.`);
  const removed = value.index.filter((prefix) => prefix === `${person}.`);
  await table.write(group, [
    { kind: 'replace', rowKey, value: { ...value, result, index }, etag },
    ...toRemovals(toIndexKeys(value.result, removed)),
  ]);
}

/** Deletes a result with its index rows and, if it is still there, its idempotency record. */
async function dropRow(
  table: Table,
  group: string,
  { rowKey, etag, value: { result, index, claim } }: Stored<ResultRow>,
): Promise<void> {
  const isClaimThere = claim !== undefined && (await table.get(group, claim)) !== undefined;
  await table.write(group, [
    { kind: 'remove', rowKey, etag },
    ...toRemovals([...toIndexKeys(result, index), ...(isClaimThere ? [claim] : [])]),
  ]);
}

function toRemovals(rowKeys: readonly string[]): Write[] {
  return rowKeys.map((rowKey) => ({ kind: 'remove', rowKey }));
}

function toRowKey(id: string): string {
  return `a.${id}`;
}

function toIndexKeys({ id }: StoredResult, index: readonly string[]): string[] {
  return index.map((prefix) => `${prefix}${id}`);
}

function personPrefix(group: string, person: string): string {
  return `${personKeyOf(group, person)}.`;
}
