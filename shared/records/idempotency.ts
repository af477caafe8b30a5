import { RollcallError } from '../errors/errors.ts';
import { prefixed, type PageQuery } from './ranges.ts';
import type { Table } from './table.ts';

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
      const { after, changed } = await table.update<IdempotencyRecord>(group, rowKey, (record) => {
        const until = now() + claimMs;
        if (record === undefined) return { ...wanted, claimedAt: now(), until };
        const isOther = record.fingerprint !== wanted.fingerprint || record.until > now();
        return isOther ? record : { ...record, until };
      });
      if (after === undefined) throw new RollcallError('internal', 'A request has no idempotency record.');
      return { claim: after, mine: changed };
    },

    /** The result is recorded: the next request with the key gets that result. */
    async answered(group: string, rowKey: string, { until }: IdempotencyRecord): Promise<void> {
      await table.update<IdempotencyRecord>(group, rowKey, (record) =>
        record?.until === until ? { ...record, until: 0 } : undefined,
      );
    },

    /** No result was recorded: the key may be used again. */
    async failed(group: string, rowKey: string, { until }: IdempotencyRecord): Promise<void> {
      await table.remove<IdempotencyRecord>(group, rowKey, (record) => record.until === until);
    },

    /** Reads one page of idempotency records, and deletes those for which `isForgotten` is true. */
    async forget(
      group: string,
      page: PageQuery,
      isForgotten: (record: IdempotencyRecord) => boolean,
    ): Promise<{ next?: string }> {
      return table.deleteWhere<IdempotencyRecord>(prefixed(group, 'z.'), page, ({ value }) =>
        isForgotten(value),
      );
    },

    /**
     * Whether the request crashed and was not repeated in time. The idempotency record of an answered request is
     * deleted with its result instead.
     */
    isAbandoned: ({ until }: IdempotencyRecord): boolean => until > 0 && until < now() - abandonedMs,
  };
}
