import { retryOnConflict, type Table } from './table.ts';

/** A request that was sent under a key of the caller's: the same key again gets the same result. */
export type Claim = {
  /** Of what was asked, so that a key is not used for something else. */
  fingerprint: string;
  /** Of the result, whether it is recorded already or not. */
  id: string;
  /** Until then the request is being answered; milliseconds since 1970. */
  until: number;
};

export type Claims = ReturnType<typeof createClaims>;

/** A request that takes longer than this has died. */
const claimMs = 60_000;

/** The rows lie beside the results they name, and go with them. */
export function createClaims(table: Table, now: () => number) {
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
        if (before === undefined) {
          const claim = { ...wanted, until: now() + claimMs };
          await table.write(group, [{ kind: 'insert', rowKey, value: claim }]);
          return { claim, mine: true };
        }
        const { value, etag } = before;
        if (value.fingerprint !== wanted.fingerprint || value.until > now())
          return { claim: value, mine: false };
        const claim = { ...value, until: now() + claimMs };
        await table.write(group, [{ kind: 'replace', rowKey, value: claim, etag }]);
        return { claim, mine: true };
      });
    },

    /** The answer is recorded, or it failed: the next request with the key need not wait. */
    async release(group: string, rowKey: string): Promise<void> {
      await retryOnConflict(async () => {
        const before = await table.get<Claim>(group, rowKey);
        if (before === undefined) return;
        const value = { ...before.value, until: 0 };
        await table.write(group, [{ kind: 'replace', rowKey, value, etag: before.etag }]);
      });
    },
  };
}
