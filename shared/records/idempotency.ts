import type { PageQuery } from './imageRecords.ts';
import { afterPrefix, retryOnConflict, take, type Stored, type Table } from './table.ts';

/** A request that was sent under a key of the caller's: the same key again gets the same result. */
export type Claim = {
  /** Of what was asked, so that a key is not used for something else. */
  fingerprint: string;
  /** Of the result, whether it is recorded already or not. */
  id: string;
  /** Milliseconds since 1970. */
  claimedAt: number;
  /** Until then the request is being answered; 0 when it was. */
  until: number;
};

export type Claims = ReturnType<typeof createClaims>;

/** A request that takes longer than this has died. */
const claimMs = 60_000;
/** A claim whose request died is kept so long, for the caller to ask again. */
const abandonedMs = 86_400_000;

/** The rows lie beside the results they name, and go with them. */
export function createClaims(table: Table, now: () => number) {
  /** Only while nobody else has taken the claim over. */
  async function end(group: string, rowKey: string, claim: Claim, keep: boolean): Promise<void> {
    await retryOnConflict(async () => {
      const before = await table.get<Claim>(group, rowKey);
      if (before === undefined || before.value.until !== claim.until) return;
      const { value, etag } = before;
      await table.write(group, [
        keep
          ? { kind: 'replace', rowKey, value: { ...value, until: 0 }, etag }
          : { kind: 'remove', rowKey, etag },
      ]);
    });
  }

  async function drop(group: string, rows: readonly Stored<Claim>[]): Promise<void> {
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

    /** Claims the key, or gives the claim that has it. `mine`: the request is to be answered by the caller. */
    async claim(
      group: string,
      rowKey: string,
      wanted: { fingerprint: string; id: string },
    ): Promise<{ claim: Claim; mine: boolean }> {
      return retryOnConflict(async () => {
        const before = await table.get<Claim>(group, rowKey);
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

    /** The answer is recorded: the next request with the key gets it. */
    answered: (group: string, rowKey: string, claim: Claim): Promise<void> => end(group, rowKey, claim, true),

    /** Nothing was recorded: the key is free again. */
    failed: (group: string, rowKey: string, claim: Claim): Promise<void> => end(group, rowKey, claim, false),

    /** Drops claims of which this says so: a slice of them, from `after` on. */
    async forget(
      group: string,
      { top, after = 'z.' }: PageQuery,
      isForgotten: (claim: Claim) => boolean,
    ): Promise<{ next?: string }> {
      const rows = await take(table.range<Claim>(group, after, afterPrefix('z.')), top);
      await drop(
        group,
        rows.filter(({ value }) => isForgotten(value)),
      );
      const last = rows.at(-1)?.rowKey;
      return rows.length < top || last === undefined ? {} : { next: `${last}\u0001` };
    },

    /** Nobody asked again after the request of the claim died; what was answered goes with its result. */
    isAbandoned: ({ until }: Claim): boolean => until > 0 && until < now() - abandonedMs,
  };
}
