import { randomUUID } from 'node:crypto';
import { RollcallError } from '../errors/errors.ts';
import { messageLifetimeSeconds } from '../config/resources.ts';
import { oldestFirst } from './keys.ts';
import { afterPrefix, retryOnConflict, take, type Stored, type Table } from './table.ts';

/** How much was removed, by kind; `faces` counts persisted faces in Face. */
export type Erased = Record<'blobs' | 'faces' | 'pictures' | 'faceIds' | 'results', number>;

/**
 * The erasure of a group or of a person: its progress and, once finished, the remaining proof. Names of people are not
 * stored.
 */
export type Erasure = {
  id: string;
  kind: 'group' | 'person';
  group: string;
  /** Key of the person, until the erasure is finished. */
  person?: string;
  /** Probes for which the person was the best candidate are erased too. */
  withProbes?: true;
  /** The settings version of the group, where the request was conditional on that version. */
  settingsVersion?: number;
  /** Milliseconds since 1970. */
  requestedAt: number;
  /** By the clock of the storage account, in whole seconds: images written until this time are erased. */
  deletedAt: number;
  /** All data is traversed twice: data that was still being written during pass 1 is found in pass 2. */
  pass: 1 | 2 | 'over';
  /** Name of the current step; absent: the first step of the pass. */
  step?: string;
  /** Token at which the current step continues. */
  after?: string;
  notBefore: number;
  erased: Erased;
  /**
   * The rows of the group, or of the probes of the person, have been erased once: from then on only the bytes identify
   * an erased image.
   */
  areRowsErased?: true;
  /** How many trainings had begun when the faces were deleted; a later training has to succeed. */
  begun?: number;
  /** When Face has discarded the last detection template of the erased images; absent: no template is known. */
  templatesExpireAt?: number;
  /** When everything except Face's templates of detections had been removed. */
  removedAt?: number;
  /** When the last template in Face had expired too, so that nothing was left. */
  finishedAt?: number;
  /** The tombstone that was kept of the person for late messages has been removed too. */
  isTombstoneGone?: true;
};

/** What is kept of a deleted person, so that late messages still find the deletion. */
type Tombstone = { group: string; person: string; deletedAt: number };

const partition = 'erasures';
export const tombstoneLifetimeMs = messageLifetimeSeconds * 1_000;

/** Finishes an erasure and removes the key of the person from it. */
function finished({ person: _person, ...erasure }: Erasure, finishedAt: number): Erasure {
  return { ...erasure, finishedAt };
}

export function plus(erased: Erased, more: Partial<Erased>): Erased {
  const total = { ...erased };
  for (const [kind, count] of Object.entries(more) as [keyof Erased, number][]) total[kind] += count;
  return total;
}

export type Erasures = ReturnType<typeof createErasures>;

/**
 * The erasures and three indexes for the resync: open erasures (`o.`); by time, erasures that wait until Face has
 * discarded its templates (`w.`); and by time, tombstones that are kept of people for late messages (`t.`).
 */
export function createErasures(table: Table, now: () => number) {
  /** The rows of an index by time that are due. */
  function due<Value>(prefix: string, top: number): Promise<Stored<Value>[]> {
    return take(table.range<Value>(partition, prefix, `${prefix}${oldestFirst(now() + 1)}`), top);
  }

  /** Changes the erasure that a row of an index by time names, and deletes that index row. */
  async function endWait(rowKey: string, transition: (erasure: Erasure) => Erasure): Promise<void> {
    await retryOnConflict(async () => {
      if ((await table.get(partition, rowKey)) === undefined) return;
      const before = await table.get<Erasure>(partition, `e.${rowKey.slice(rowKey.lastIndexOf('.') + 1)}`);
      if (before === undefined) throw new RollcallError('internal', 'An index names no erasure.');
      const { rowKey: key, etag } = before;
      await table.write(partition, [
        { kind: 'replace', rowKey: key, value: transition(before.value), etag },
        { kind: 'remove', rowKey },
      ]);
    });
  }

  return {
    /** Opens an erasure before anything is marked as deleted, so that the resync can continue a started deletion. */
    async open(
      of: Pick<Erasure, 'group' | 'person' | 'withProbes' | 'settingsVersion'>,
      deletedAt: number,
    ): Promise<Erasure> {
      const erasure: Erasure = {
        ...of,
        id: randomUUID(),
        kind: of.person === undefined ? 'group' : 'person',
        requestedAt: now(),
        deletedAt,
        pass: 1,
        notBefore: 0,
        erased: { blobs: 0, faces: 0, pictures: 0, faceIds: 0, results: 0 },
      };
      await table.write(partition, [
        { kind: 'insert', rowKey: `e.${erasure.id}`, value: erasure },
        { kind: 'insert', rowKey: `o.${erasure.id}`, value: of },
      ]);
      return erasure;
    },

    /**
     * Removes an erasure whose request was refused, so that nothing was marked as deleted. An erasure that has already
     * removed its data stays and is returned.
     */
    async withdraw(id: string): Promise<Erasure | undefined> {
      return retryOnConflict(async () => {
        const before = await table.get<Erasure>(partition, `e.${id}`);
        if (before === undefined || before.value.removedAt !== undefined) return before?.value;
        await table.write(partition, [
          { kind: 'remove', rowKey: `e.${id}`, etag: before.etag },
          { kind: 'remove', rowKey: `o.${id}` },
        ]);
        return undefined;
      });
    },

    async get(id: string): Promise<Erasure | undefined> {
      return (await table.get<Erasure>(partition, `e.${id}`))?.value;
    },

    async change(id: string, transition: (erasure: Erasure) => Erasure): Promise<void> {
      await retryOnConflict(async () => {
        const before = await table.get<Erasure>(partition, `e.${id}`);
        if (before === undefined) return;
        const { etag, rowKey } = before;
        const value = transition(before.value);
        if (value === before.value) return;
        await table.write(partition, [{ kind: 'replace', rowKey, value, etag }]);
      });
    },

    /** Adds counts of data that was removed outside the steps of the erasure. */
    async count(id: string, erased: Partial<Erased>): Promise<void> {
      await this.change(id, (erasure) =>
        erasure.removedAt === undefined ? { ...erasure, erased: plus(erasure.erased, erased) } : erasure,
      );
    },

    /** Records that all data of the erasure is removed; `last` is the erasure that did the work of all open ones. */
    async removed(id: string, last: Erasure): Promise<void> {
      await retryOnConflict(async () => {
        const before = await table.get<Erasure>(partition, `e.${id}`);
        if (before === undefined || before.value.removedAt !== undefined) return;
        const removedAt = now();
        // For `last` itself the counts are read again, because they may have grown since.
        const { erased } = id === last.id ? before.value : last;
        const expireAt = Math.max(last.templatesExpireAt ?? 0, before.value.templatesExpireAt ?? 0);
        const value: Erasure = {
          ...before.value,
          erased,
          removedAt,
          ...(expireAt === 0 ? {} : { templatesExpireAt: expireAt }),
        };
        const { group, person, deletedAt } = value;
        const tombstone: Tombstone | undefined =
          person === undefined ? undefined : { group, person, deletedAt };
        const over = expireAt > removedAt ? value : finished(value, removedAt);
        await table.write(partition, [
          { kind: 'replace', rowKey: `e.${id}`, value: over, etag: before.etag },
          { kind: 'remove', rowKey: `o.${id}` },
          ...(expireAt > removedAt
            ? [{ kind: 'put' as const, rowKey: `w.${oldestFirst(expireAt)}.${id}`, value: {} }]
            : []),
          ...(tombstone === undefined
            ? []
            : [
                {
                  kind: 'put' as const,
                  rowKey: `t.${oldestFirst(removedAt + tombstoneLifetimeMs)}.${id}`,
                  value: tombstone,
                },
              ]),
        ]);
      });
    },

    /** Finishes erasures whose last template in Face has expired; at most `top`. */
    async finishExpired(top: number): Promise<void> {
      for (const { rowKey } of await due('w.', top))
        await endWait(rowKey, (erasure) => finished(erasure, now()));
    },

    /** Removes tombstones of people once no earlier message can arrive any more; at most `top`. */
    async dropTombstones(top: number, drop: (tombstone: Tombstone) => Promise<void>): Promise<void> {
      for (const { rowKey, value } of await due<Tombstone>('t.', top)) {
        await drop(value);
        await endWait(rowKey, (erasure) => ({ ...erasure, isTombstoneGone: true }));
      }
    },

    /** Open erasures; at most `top`. */
    async listOpen(top: number): Promise<{ id: string; group: string; person?: string }[]> {
      const rows = await take(
        table.range<{ group: string; person?: string }>(partition, 'o.', afterPrefix('o.')),
        top,
      );
      return rows.map(({ rowKey, value }) => ({ id: rowKey.slice(2), ...value }));
    },
  };
}
