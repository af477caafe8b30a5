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

/** Results by time, by kind and by person, newest first. The ID contains the time and so serves as row key. */
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

  /** The write that removes the idempotency record of a result; none if that record was removed before. */
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
     * Redacts one page of results, newest first, starting at `after`: replaces each result by the return value of
     * `redact`, or deletes the result where `redact` returns undefined. `redact` returns the identical object where
     * nothing has to be removed. Index rows of changed results under `person` (a key) are removed.
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

    /** Deletes a result with all its index rows. Resolves with the number of deleted results, 1 or 0. */
    async drop(group: string, id: string): Promise<number> {
      const row = await table.get<ResultRow>(group, `a.${id}`);
      if (row === undefined) return 0;
      await dropRow(group, row);
      return 1;
    },

    /** Deletes results older than `ageMs` milliseconds, with all their index rows; at most `top`. */
    async dropOlderThan(group: string, ageMs: number, top: number): Promise<void> {
      const from = `a.r${newestFirst(now() - ageMs)}`;
      for (const row of await take(table.range<ResultRow>(group, from, afterPrefix('a.')), top))
        await dropRow(group, row);
    },
  };
}

/** The first row key to read: the greater of the cursor and the key of `until`, since both exclude newer results. */
function startOf({ after = '', until }: ResultQuery): string {
  const from = after === '' ? '' : `${after}\u0001`;
  const latest = until === undefined ? '' : `r${newestFirst(until)}`;
  return from > latest ? from : latest;
}

function personPrefix(group: string, person: string): string {
  return `${personKeyOf(group, person)}.`;
}
