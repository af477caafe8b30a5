import { afterPrefix, take } from './ranges.ts';
import type { Table } from './table.ts';

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

    async change(group, transition) {
      const { after } = await table.update<Training>(
        partition,
        `t.${group}`,
        (row) => {
          const next = transition(row ?? initial);
          return row === undefined && next === initial ? undefined : next;
        },
        async (next, before) => {
          const wasOpen = before !== undefined && isOpen(before);
          const rowKey = `o.${group}`;
          if (isOpen(next)) return [{ kind: 'put', rowKey, value: { group } }];
          return wasOpen ? [{ kind: 'remove', rowKey }] : [];
        },
      );
      return after ?? initial;
    },

    async open(top) {
      const rows = await take(table.range<{ group: string }>(partition, 'o.', afterPrefix('o.')), top);
      return rows.map((row) => row.value.group);
    },
  };
}
