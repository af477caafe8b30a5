import { randomBytes } from 'node:crypto';
import { newestFirst, personKeyOf } from './keys.ts';
import type { Page, PageQuery } from './imageRecords.ts';
import { readsAtOnce } from './parallel.ts';
import {
  afterPrefix,
  filtered,
  inSlices,
  longestRecord,
  take,
  type Stored,
  type Table,
  type Write,
} from './table.ts';

export type ResultKind = 'identify' | 'find-similar' | 'verify';

/** What identify, find-similar and verify answered, kept as it was answered. */
export type StoredResult = { id: string; kind: ResultKind; group: string; createdAt: string; image?: string };

/** `since`, `until`: when it was asked; milliseconds since 1970, both included. */
export type ResultQuery = PageQuery & {
  kind?: ResultKind | undefined;
  person?: string | undefined;
  since?: number | undefined;
  until?: number | undefined;
};

/** The result, and under which prefixes else it is listed. */
type ResultRow = { result: StoredResult; index: string[]; claim?: string };

/** Under which ID a result is recorded; `claim`: the row of the idempotency key that goes with it. */
export type RecordAs = { id: string; claim?: string };

/** A result has at most so many index rows, for a transaction takes 100 writes. */
const indexRowsAtMost = 98;
const indexEntryLength = 60;

/** So many characters of JSON a result may have, beside what its row holds else. */
export const longestResult = longestRecord - indexRowsAtMost * indexEntryLength - 200;

export type Results = ReturnType<typeof createResults>;

/** Results by time, by kind and by person, newest first. An ID holds its time, so that it is its own row key. */
export function createResults(table: Table, now: () => number) {
  async function* newest(group: string, query: ResultQuery): AsyncGenerator<StoredResult> {
    const { kind, person, since, top } = query;
    const prefix =
      person !== undefined ? personPrefix(group, person) : kind !== undefined ? `k.${kind}.` : 'a.';
    const before = since === undefined ? afterPrefix(prefix) : `${prefix}r${newestFirst(since)}~`;
    const rows = table.range<ResultRow>(group, `${prefix}${startOf(query)}`, before);
    if (prefix === 'a.') {
      for await (const { value } of rows) yield value.result;
      return;
    }
    for await (const slice of inSlices(rows, Math.min(top + 1, readsAtOnce))) {
      const ids = slice.map(({ rowKey }) => rowKey.slice(prefix.length));
      const found = await Promise.all(ids.map((id) => table.get<ResultRow>(group, `a.${id}`)));
      for (const row of found) if (row !== undefined) yield row.value.result;
    }
  }

  /** Removes the claim of the result, which may have gone before it. */
  async function claimRow(group: string, { claim }: ResultRow): Promise<Write[]> {
    const isThere = claim !== undefined && (await table.get(group, claim)) !== undefined;
    return isThere ? [{ kind: 'remove', rowKey: claim }] : [];
  }

  async function dropRow(group: string, { rowKey, value }: Stored<ResultRow>): Promise<void> {
    const keys = [rowKey, ...value.index.map((prefix) => `${prefix}${value.result.id}`)];
    await table.write(group, [
      ...keys.map((key) => ({ kind: 'remove' as const, rowKey: key })),
      ...(await claimRow(group, value)),
    ]);
  }

  return {
    newId(): string {
      return `r${newestFirst(now())}${randomBytes(6).toString('hex')}`;
    },

    async record(
      result: StoredResult,
      persons: readonly string[],
      { claim }: Pick<RecordAs, 'claim'> = {},
    ): Promise<void> {
      const prefixes = [`k.${result.kind}.`, ...persons.map((name) => personPrefix(result.group, name))];
      const index = [...new Set(prefixes)].slice(0, indexRowsAtMost);
      const row: ResultRow = { result, index, ...(claim === undefined ? {} : { claim }) };
      const writes: Write[] = [
        { kind: 'put', rowKey: `a.${result.id}`, value: row },
        ...index.map((prefix) => ({ kind: 'put' as const, rowKey: `${prefix}${result.id}`, value: {} })),
      ];
      await table.write(result.group, writes);
    },

    async get(group: string, id: string): Promise<StoredResult | undefined> {
      return (await table.get<ResultRow>(group, `a.${id}`))?.value.result;
    },

    async list(group: string, { top, kind, ...query }: ResultQuery): Promise<Page<StoredResult>> {
      const found = filtered(
        newest(group, { ...query, kind, top }),
        (result) => kind === undefined || result.kind === kind,
      );
      const items = await take(found, top + 1);
      const next = items.length > top ? items[top - 1]?.id : undefined;
      return { items: items.slice(0, top), ...(next === undefined ? {} : { next }) };
    },

    /**
     * Writes results anew without what is to be forgotten, or drops them where nothing is left: a slice of them,
     * newest first, from `after` on. `redact` gives the same result where there is nothing to forget; nothing
     * lists a result under `person` (a key) any more.
     */
    async forget(
      group: string,
      { top, after = 'a.' }: PageQuery,
      redact: (result: StoredResult) => StoredResult | undefined | Promise<StoredResult | undefined>,
      person?: string,
    ): Promise<{ changed: number; next?: string }> {
      const rows = await take(table.range<ResultRow>(group, after, afterPrefix('a.')), top);
      let changed = 0;
      for (const { rowKey, value, etag } of rows) {
        const { result, index } = value;
        const kept = await redact(result);
        if (kept === result) continue;
        const unlisted = kept === undefined ? index : index.filter((prefix) => prefix === `${person}.`);
        await table.write(group, [
          kept === undefined
            ? { kind: 'remove', rowKey, etag }
            : {
                kind: 'replace',
                rowKey,
                value: {
                  ...value,
                  result: kept,
                  index: index.filter((prefix) => !unlisted.includes(prefix)),
                },
                etag,
              },
          ...unlisted.map((prefix) => ({ kind: 'remove' as const, rowKey: `${prefix}${result.id}` })),
          ...(kept === undefined ? await claimRow(group, value) : []),
        ]);
        changed += 1;
      }
      const last = rows.at(-1)?.rowKey;
      return rows.length < top || last === undefined ? { changed } : { changed, next: `${last}\u0001` };
    },

    /** Drops a result with all its index rows. How many there were: one or none. */
    async drop(group: string, id: string): Promise<number> {
      const row = await table.get<ResultRow>(group, `a.${id}`);
      if (row === undefined) return 0;
      await dropRow(group, row);
      return 1;
    },

    /** Drops results older than so many milliseconds, with all their index rows; at most `top`. */
    async dropOlderThan(group: string, ageMs: number, top: number): Promise<void> {
      const from = `a.r${newestFirst(now() - ageMs)}`;
      for (const row of await take(table.range<ResultRow>(group, from, afterPrefix('a.')), top))
        await dropRow(group, row);
    },
  };
}

/** The latest of the times from which rows are read on is the smallest part of the partition. */
function startOf({ after = '', until }: ResultQuery): string {
  const from = after === '' ? '' : `${after}\u0001`;
  const latest = until === undefined ? '' : `r${newestFirst(until)}`;
  return from > latest ? from : latest;
}

function personPrefix(group: string, person: string): string {
  return `${personKeyOf(group, person)}.`;
}
