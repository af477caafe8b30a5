import type { GroupRejection } from '../errors/errors.ts';
import { afterPrefix, retryOnConflict, take, type Table } from './table.ts';

/**
 * Since `version` of its settings the policy of a group admits what it refused for these reasons; the first version also
 * what was refused because there was no group. `after`: how far the resync has come in looking again.
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

/** Groups whose policy admits more than before, until what it refused has been looked at again. */
export function createPolicyChanges(table: Table) {
  return {
    /**
     * Before the settings are written: a version that never comes keeps no other from its work. Callers who want to
     * write the same version note it together, since one of them will.
     */
    async note(change: PolicyChange): Promise<void> {
      const rowKey = keyOf(change);
      await retryOnConflict(async () => {
        const before = await table.get<PolicyChange>(partition, rowKey);
        const reasons = [...new Set([...(before?.value.reasons ?? []), ...change.reasons])];
        const value = { ...change, reasons };
        await table.write(partition, [
          before === undefined
            ? { kind: 'insert', rowKey, value }
            : { kind: 'replace', rowKey, value, etag: before.etag },
        ]);
      });
    },

    async list(top: number): Promise<StoredPolicyChange[]> {
      const rows = await take(table.range<PolicyChange>(partition, '', afterPrefix('')), top);
      return rows.map(({ value, etag }) => ({ ...value, etag }));
    },

    /** The resync has come so far, or to the end. @throws WriteConflict when it was noted once more meanwhile */
    async advance({ etag, ...change }: StoredPolicyChange, after: string | undefined): Promise<void> {
      await table.write(partition, [
        after === undefined
          ? { kind: 'remove', rowKey: keyOf(change), etag }
          : { kind: 'replace', rowKey: keyOf(change), value: { ...change, after }, etag },
      ]);
    },
  };
}

/** Each change stands for itself. No group is called by a name with a dot. */
function keyOf({ group, version }: PolicyChange): string {
  return `${group}.${version}`;
}
