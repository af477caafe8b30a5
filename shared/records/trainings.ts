import { afterPrefix, retryOnConflict, take, type Table } from './table.ts';

export type Trainings<Training> = {
  get(group: string): Promise<Training | undefined>;
  change(group: string, transition: (training: Training) => Training): Promise<Training>;
  /** Groups with changes that no training covers yet. */
  open(top: number): Promise<string[]>;
};

const partition = 'trainings';

/** The training of each group, and for the resync an index of groups with open trainings (`isOpen`). */
export function createTrainings<Training>(
  table: Table,
  { initial, isOpen }: { initial: Training; isOpen: (training: Training) => boolean },
): Trainings<Training> {
  return {
    async get(group) {
      return (await table.get<Training>(partition, `t.${group}`))?.value;
    },

    change: (group, transition) =>
      retryOnConflict(async () => {
        const before = await table.get<Training>(partition, `t.${group}`);
        const current = before?.value ?? initial;
        const next = transition(current);
        if (next === current) return next;
        const wasOpen = before !== undefined && isOpen(before.value);
        await table.write(partition, [
          before === undefined
            ? { kind: 'insert', rowKey: `t.${group}`, value: next }
            : { kind: 'replace', rowKey: `t.${group}`, value: next, etag: before.etag },
          ...(isOpen(next) ? [{ kind: 'put' as const, rowKey: `o.${group}`, value: { group } }] : []),
          ...(wasOpen && !isOpen(next) ? [{ kind: 'remove' as const, rowKey: `o.${group}` }] : []),
        ]);
        return next;
      }),

    async open(top) {
      const rows = await take(table.range<{ group: string }>(partition, 'o.', afterPrefix('o.')), top);
      return rows.map((row) => row.value.group);
    },
  };
}
