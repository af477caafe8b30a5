import { randomBytes } from 'node:crypto';
import { newestFirst, personKeyOf } from './keys.ts';
import type { Page, PageQuery } from './ledger.ts';
import { afterPrefix, take, type Table, type Write } from './table.ts';

export type ResultKind = 'identify' | 'find-similar' | 'verify';

/** What identify, find-similar and verify answered, kept as it was answered. */
export type StoredResult = { id: string; kind: ResultKind; group: string; createdAt: string; image?: string };

export type Results = ReturnType<typeof createResults>;

/** Results by time, by kind and by person, newest first. An ID holds its time, so that it is its own row key. */
export function createResults(table: Table, now: () => number) {
  return {
    newId(): string {
      return `r${newestFirst(now())}${randomBytes(6).toString('hex')}`;
    },

    async record(result: StoredResult, persons: readonly string[]): Promise<void> {
      const index = [
        `k.${result.kind}.`,
        ...[...new Set(persons)].map((name) => personPrefix(result.group, name)),
      ];
      const writes: Write[] = [
        { kind: 'put', rowKey: `a.${result.id}`, value: result },
        ...index
          .slice(0, 99)
          .map((prefix) => ({ kind: 'put' as const, rowKey: `${prefix}${result.id}`, value: {} })),
      ];
      await table.write(result.group, writes);
    },

    async get(group: string, id: string): Promise<StoredResult | undefined> {
      return (await table.get<StoredResult>(group, `a.${id}`))?.value;
    },

    async list(
      group: string,
      {
        kind,
        person,
        top,
        after,
      }: PageQuery & { kind?: ResultKind | undefined; person?: string | undefined },
    ): Promise<Page<StoredResult>> {
      const prefix =
        person !== undefined ? personPrefix(group, person) : kind !== undefined ? `k.${kind}.` : 'a.';
      const from = after === undefined ? prefix : `${prefix}${after}\u0001`;
      const items: StoredResult[] = [];
      for await (const row of table.range<object>(group, from, afterPrefix(prefix))) {
        const result = await table.get<StoredResult>(group, `a.${row.rowKey.slice(prefix.length)}`);
        if (result === undefined || (kind !== undefined && result.value.kind !== kind)) continue;
        if (items.length === top) return { items, next: items.at(-1)?.id ?? '' };
        items.push(result.value);
      }
      return { items };
    },

    /** Drops results older than so many milliseconds; at most `top`. */
    async dropOlderThan(group: string, ageMs: number, top: number): Promise<void> {
      for (const prefix of ['a.r', 'k.identify.r', 'k.find-similar.r', 'k.verify.r']) {
        const from = `${prefix}${newestFirst(now() - ageMs)}`;
        const rows = await take(table.range(group, from, afterPrefix(prefix)), Math.min(top, 100));
        await table.write(
          group,
          rows.map(({ rowKey }) => ({ kind: 'remove', rowKey })),
        );
      }
    },
  };
}

function personPrefix(group: string, person: string): string {
  return `${personKeyOf(group, person)}.`;
}
