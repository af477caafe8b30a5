import type { TableClient } from '@azure/data-tables';
import { expect, test } from 'vitest';
import { advance, type Step, type Steps } from '../../../shared/erasure/steps.ts';
import { createErasures } from '../../../shared/records/erasures.ts';
import { createTable } from '../../../shared/records/table.ts';
import { memoryTable } from '../../helpers/memoryStorage.ts';

/** Steps that write down their names, and stop the clock of their version after one of them. */
async function erasureAt(stopAfter: string) {
  const clock = { now: 0 };
  let etags = 0;
  const effect = async <Value>(_what: string, action: () => Value): Promise<Value> => action();
  const rows = memoryTable('erasures', new Map(), { read: effect, write: effect }, () => `"${(etags += 1)}"`);
  const table = createTable(rows as unknown as TableClient);
  const erasures = createErasures(table, () => clock.now);
  const { id } = await erasures.open({ group: 'g' }, 0);
  const done: string[] = [];
  const stepsOf = (...names: string[]): Steps =>
    Object.fromEntries(
      names.map((name): [string, Step] => [
        name,
        async () => {
          done.push(name);
          if (name === stopAfter) clock.now += 1;
          return {};
        },
      ]),
    );
  const go = (steps: Steps, endAt: number) => advance(erasures, id, steps, { now: () => clock.now, endAt });
  return { erasures, id, done, clock, stepsOf, go };
}

test('a deletion goes on at the step that it stopped at, wherever another version has it', async () => {
  const { erasures, id, done, clock, stepsOf, go } = await erasureAt('blobs');
  await go(stepsOf('blobs', 'faces', 'rows'), 0);
  expect(await erasures.get(id)).toMatchObject({ pass: 1, step: 'faces' });
  const moved = stepsOf('copies', 'blobs', 'more blobs', 'faces', 'rows');
  const restAt = await go(moved, Infinity);
  expect(done).toEqual(['blobs', 'faces', 'rows']);
  clock.now = Number(restAt);
  expect(await go(moved, Infinity)).toBe('over');
  expect(done.slice(3)).toEqual(['copies', 'blobs', 'more blobs', 'faces', 'rows']);
  expect(await go(moved, Infinity)).toBe('over');
});

test('a deletion at a step that is not known, or that only objects have, is refused and not taken for its end', async () => {
  for (const step of ['a step to come', 'toString']) {
    const { erasures, id, done, stepsOf, go } = await erasureAt('');
    for (const pass of [1, 2] as const) {
      await erasures.change(id, (erasure) => ({ ...erasure, pass, step }));
      await expect(go(stepsOf('blobs', 'rows'), Infinity)).rejects.toMatchObject({ code: 'other_version' });
      expect(await erasures.get(id)).toMatchObject({ pass, step });
    }
    expect(done).toEqual([]);
  }
});
