import type { PageQuery } from './imageRecords.ts';
import { afterPrefix, retryOnConflict, take, type Stored, type Table } from './table.ts';

/** The idempotency record of a request with an `Idempotency-Key`: a repeated request gets the first one's result. */
export type IdempotencyRecord = {
  /** Fingerprint of the request, so that the key cannot be used for another request. */
  fingerprint: string;
  /** ID of the result, whether or not the result is recorded already. */
  id: string;
  /** Milliseconds since 1970. */
  claimedAt: number;
  /** Until this time the request counts as being answered; 0 once the request is answered. */
  until: number;
};

export type IdempotencyRecords = ReturnType<typeof createIdempotencyRecords>;

/** A request that takes longer than this counts as crashed. */
const claimMs = 60_000;
/** How long the idempotency record of a crashed request is kept, so that the caller can repeat the request. */
const abandonedMs = 86_400_000;

/** The idempotency records, stored in the partition of the results that they name and deleted with these results. */
export function createIdempotencyRecords(table: Table, now: () => number) {
  /** Ends a request, unless another request has taken over its idempotency record. */
  async function end(group: string, rowKey: string, claim: IdempotencyRecord, keep: boolean): Promise<void> {
    await retryOnConflict(async () => {
      const before = await table.get<IdempotencyRecord>(group, rowKey);
      if (before === undefined || before.value.until !== claim.until) return;
      const { value, etag } = before;
      await table.write(group, [
        keep
          ? { kind: 'replace', rowKey, value: { ...value, until: 0 }, etag }
          : { kind: 'remove', rowKey, etag },
      ]);
    });
  }

  async function drop(group: string, rows: readonly Stored<IdempotencyRecord>[]): Promise<void> {
    for (let start = 0; start < rows.length; start += 100) {
      const removals = rows.slice(start, start + 100);
      await table.write(
        group,
        removals.map(({ rowKey, etag }) => ({ kind: 'remove', rowKey, etag })),
      );
    }
  }

  return {
    rowKeyOf: (keyHash: string): string => `z.${keyHash}`,

    /**
     * Creates or takes over the idempotency record of the key, or returns the existing one. `mine`: the calling request
     * has to be answered by the caller of this function.
     */
    async claim(
      group: string,
      rowKey: string,
      wanted: { fingerprint: string; id: string },
    ): Promise<{ claim: IdempotencyRecord; mine: boolean }> {
      return retryOnConflict(async () => {
        const before = await table.get<IdempotencyRecord>(group, rowKey);
        const until = now() + claimMs;
        if (before === undefined) {
          const claim = { ...wanted, claimedAt: now(), until };
          await table.write(group, [{ kind: 'insert', rowKey, value: claim }]);
          return { claim, mine: true };
        }
        const { value, etag } = before;
        if (value.fingerprint !== wanted.fingerprint || value.until > now())
          return { claim: value, mine: false };
        const claim = { ...value, until };
        await table.write(group, [{ kind: 'replace', rowKey, value: claim, etag }]);
        return { claim, mine: true };
      });
    },

    /** The result is recorded: the next request with the key gets that result. */
    answered: (group: string, rowKey: string, claim: IdempotencyRecord): Promise<void> =>
      end(group, rowKey, claim, true),

    /** No result was recorded: the key may be used again. */
    failed: (group: string, rowKey: string, claim: IdempotencyRecord): Promise<void> =>
      end(group, rowKey, claim, false),

    /** Reads one page of idempotency records from `after` on, and deletes those for which `isForgotten` is true. */
    async forget(
      group: string,
      { top, after = 'z.' }: PageQuery,
      isForgotten: (claim: IdempotencyRecord) => boolean,
    ): Promise<{ next?: string }> {
      const rows = await take(table.range<IdempotencyRecord>(group, after, afterPrefix('z.')), top);
      await drop(
        group,
        rows.filter(({ value }) => isForgotten(value)),
      );
      const last = rows.at(-1)?.rowKey;
      return rows.length < top || last === undefined ? {} : { next: `${last}\u0001` };
    },

    /**
     * Whether the request crashed and was not repeated in time. The idempotency record of an answered request is
     * deleted with its result instead.
     */
    isAbandoned: ({ until }: IdempotencyRecord): boolean => until > 0 && until < now() - abandonedMs,
  };
}
