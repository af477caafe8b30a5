import type { GroupRejection } from '../errors/errors.ts';
import { afterPrefix, take } from './ranges.ts';
import type { Table } from './table.ts';

/**
 * From settings version `version` on, the policy of a group admits images that were rejected for `reasons`. The first
 * version also admits images that were rejected because the group did not exist. `after`: how far the resync has come
 * in reconsidering the rejected images.
 */
export type PolicyChange = {
  group: string;
  version: number;
  reasons: GroupRejection[];
  notedAt: number;
  after?: string;
};

export type StoredPolicyChange = PolicyChange & { etag: string };

const partition = 'policy';

export type PolicyChanges = ReturnType<typeof createPolicyChanges>;

/** Policy changes that admit more than before, kept until all rejected images have been reconsidered. */
export function createPolicyChanges(table: Table) {
  return {
    /**
     * Records a policy change before the settings are written. A version that is never written does not hold up other
     * versions. Concurrent callers that want to write the same version merge their reasons into one row, because one of
     * the callers will succeed in writing.
     */
    async note(change: PolicyChange): Promise<void> {
      await table.update<PolicyChange>(partition, toRowKey(change), (before) => ({
        ...change,
        reasons: [...new Set([...(before?.reasons ?? []), ...change.reasons])],
      }));
    },

    async list(top: number): Promise<StoredPolicyChange[]> {
      const rows = await take(table.range<PolicyChange>(partition, '', afterPrefix('')), top);
      return rows.map(({ value, etag }) => ({ ...value, etag }));
    },

    /**
     * Records how far the resync has come; `after` undefined: the change is done and its row is deleted.
     * @throws WriteConflict when the change was noted again meanwhile
     */
    async advance({ etag, ...change }: StoredPolicyChange, after: string | undefined): Promise<void> {
      await table.write(partition, [
        after === undefined
          ? { kind: 'remove', rowKey: toRowKey(change), etag }
          : { kind: 'replace', rowKey: toRowKey(change), value: { ...change, after }, etag },
      ]);
    },
  };
}

/** Each version has its own row. The key is unambiguous because names of groups contain no dot. */
function toRowKey({ group, version }: PolicyChange): string {
  return `${group}.${version}`;
}
