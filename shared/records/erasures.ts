import { messageLifetimeSeconds } from '../config/resources.ts';
import { RollcallError } from '../errors/errors.ts';
import { finished, opened, plus, removed, type Erased, type Erasure, type Subject } from './erasure.ts';
import type { Stored, Write } from './entity.ts';
import { oldestFirst } from './keys.ts';
import { afterPrefix, take } from './ranges.ts';
import { retryOnConflict, type Table } from './table.ts';

/** What is kept of a deleted person, so that late messages still find the deletion. */
type Tombstone = { group: string; person: string; deletedAt: number };

const partition = 'erasures';
export const tombstoneLifetimeMs = messageLifetimeSeconds * 1_000;

export type Erasures = ReturnType<typeof createErasures>;

/**
 * The erasures and three indexes for the resync: open erasures (`o.`); by time, erasures that wait until Face has
 * discarded its templates (`w.`); and by time, tombstones that are kept of people for late messages (`t.`).
 */
export function createErasures(table: Table, now: () => number) {
  const change = async (id: string, transition: (erasure: Erasure) => Erasure): Promise<void> =>
    void (await update(table, id, transition));

  /** The rows of an index by time that are due. */
  const due = <Value>(prefix: string, top: number): Promise<Stored<Value>[]> =>
    take(table.range<Value>(partition, prefix, `${prefix}${oldestFirst(now() + 1)}`), top);

  return {
    /** Opens an erasure before anything is marked as deleted, so that the resync can continue a started deletion. */
    async open(subject: Subject, deletedAt: number): Promise<Erasure> {
      const erasure = opened(subject, deletedAt, now());
      await table.write(partition, [
        { kind: 'insert', rowKey: `e.${erasure.id}`, value: erasure },
        { kind: 'insert', rowKey: `o.${erasure.id}`, value: subject },
      ]);
      return erasure;
    },

    withdraw: (id: string) => withdraw(table, id),
    get: async (id: string): Promise<Erasure | undefined> => (await load(table, id))?.value,
    change,

    /** Adds counts of data that was removed outside the steps of the erasure. */
    count: (id: string, erased: Partial<Erased>) =>
      change(id, (erasure) =>
        erasure.removedAt === undefined ? { ...erasure, ...plus(erasure, { erased }) } : erasure,
      ),

    /** Records that all data of the erasure is removed; `last` is the erasure that did the work of all open ones. */
    async removed(id: string, last: Erasure): Promise<void> {
      await update(table, id, (erasure) => removed(erasure, last, now()), toIndexRows);
    },

    /** Finishes erasures whose last template in Face has expired; at most `top`. */
    async finishExpired(top: number): Promise<void> {
      for (const { rowKey } of await due('w.', top))
        await endWait(table, rowKey, (erasure) =>
          erasure.finishedAt === undefined ? finished(erasure, now()) : erasure,
        );
    },

    /** Removes tombstones of people once no earlier message can arrive any more; at most `top`. */
    async dropTombstones(top: number, drop: (tombstone: Tombstone) => Promise<void>): Promise<void> {
      for (const { rowKey, value } of await due<Tombstone>('t.', top)) {
        await drop(value);
        await endWait(table, rowKey, (erasure) =>
          erasure.isTombstoneGone === undefined ? { ...erasure, isTombstoneGone: true } : erasure,
        );
      }
    },

    /** Open erasures in the order of their IDs, from the first ID that is greater than `after`; at most `top`. */
    async listOpen(top: number, after = ''): Promise<(Subject & { id: string })[]> {
      const from = `o.${after}\u0001`;
      const rows = await take(table.range<Subject>(partition, from, afterPrefix('o.')), top);
      return rows.map(({ rowKey, value }) => ({ id: rowKey.slice(2), ...value }));
    },
  };
}

function load(table: Table, id: string): Promise<Stored<Erasure> | undefined> {
  return table.get<Erasure>(partition, `e.${id}`);
}

/** Changes an erasure, and rows of the indexes with it. Resolves with false when there is no such erasure. */
async function update(
  table: Table,
  id: string,
  transition: (erasure: Erasure) => Erasure,
  toWrites: (after: Erasure, before: Erasure) => Write[] = () => [],
): Promise<boolean> {
  return retryOnConflict(async () => {
    const before = await load(table, id);
    if (before === undefined) return false;
    const { rowKey, etag } = before;
    const value = transition(before.value);
    if (value !== before.value) {
      const writes = toWrites(value, before.value);
      await table.write(partition, [{ kind: 'replace', rowKey, value, etag }, ...writes]);
    }
    return true;
  });
}

/**
 * Changes the erasure that a row of an index by time names, and deletes that index row. The transition returns the
 * given erasure when another instance has already deleted the index row.
 */
async function endWait(
  table: Table,
  rowKey: string,
  transition: (erasure: Erasure) => Erasure,
): Promise<void> {
  const id = rowKey.slice(rowKey.lastIndexOf('.') + 1);
  if (!(await update(table, id, transition, () => [{ kind: 'remove', rowKey }])))
    throw new RollcallError('internal', 'An index names no erasure.');
}

/**
 * Removes an erasure whose request was refused, so that nothing was marked as deleted. An erasure that has already
 * removed its data stays and is returned.
 */
async function withdraw(table: Table, id: string): Promise<Erasure | undefined> {
  return retryOnConflict(async () => {
    const before = await load(table, id);
    if (before === undefined || before.value.removedAt !== undefined) return before?.value;
    await table.write(partition, [
      { kind: 'remove', rowKey: `e.${id}`, etag: before.etag },
      { kind: 'remove', rowKey: `o.${id}` },
    ]);
    return undefined;
  });
}

/** The writes that end an open erasure in the indexes; `before` names the person, where it is about one. */
function toIndexRows(after: Erasure, before: Erasure): Write[] {
  const { id, group, deletedAt, removedAt = 0, finishedAt, templatesExpireAt = 0 } = after;
  const { person } = before;
  const writes: Write[] = [{ kind: 'remove', rowKey: `o.${id}` }];
  if (finishedAt === undefined)
    writes.push({ kind: 'put', rowKey: `w.${oldestFirst(templatesExpireAt)}.${id}`, value: {} });
  if (person !== undefined) {
    const value: Tombstone = { group, person, deletedAt };
    writes.push({ kind: 'put', rowKey: `t.${oldestFirst(removedAt + tombstoneLifetimeMs)}.${id}`, value });
  }
  return writes;
}
