import { randomUUID } from 'node:crypto';
import { RollcallError } from '../errors/errors.ts';
import { messageLifetimeSeconds } from '../config/resources.ts';
import { oldestFirst } from './keys.ts';
import { afterPrefix, retryOnConflict, take, type Stored, type Table } from './table.ts';

/** What was removed, by kind; `faces` are those of Face. */
export type Erased = Record<'blobs' | 'faces' | 'pictures' | 'faceIds' | 'results', number>;

/** The erasure of a group or of a person: how far it is, and, when it is over, what is left to prove it. No names. */
export type Erasure = {
  id: string;
  kind: 'group' | 'person';
  group: string;
  /** Key of the person, until the erasure is finished. */
  person?: string;
  /** Pictures to identify on which the person was the best candidate go too. */
  withProbes?: true;
  /** Of the group, where the request was about one version of it. */
  settingsVersion?: number;
  /** Milliseconds since 1970. */
  requestedAt: number;
  /** By the clock of the storage account, in whole seconds: pictures written until then go. */
  deletedAt: number;
  /** Everything is gone through twice: what was on its way at the first time is there at the second. */
  pass: 1 | 2 | 'over';
  /** Name of the step that is at work; absent: the first of the pass. */
  step?: string;
  /** Where the step goes on. */
  after?: string;
  notBefore: number;
  erased: Erased;
  /** The rows of the group, or of the probes of the person, have gone once: their bytes alone tell what they were. */
  areRowsErased?: true;
  /** How many trainings had been begun when the faces were gone: a later one has to succeed. */
  begun?: number;
  /** When Face has thrown away the last template of a detection of what was erased; absent: none is known. */
  templatesExpireAt?: number;
  /** Everything that is ours is gone. */
  removedAt?: number;
  /** Nothing is left in Face either. */
  finishedAt?: number;
  /** What was kept of the person for late work has gone too. */
  isTombstoneGone?: true;
};

/** What is kept of a person who was deleted then. */
type Tombstone = { group: string; person: string; deletedAt: number };

const partition = 'erasures';
export const tombstoneLifetimeMs = messageLifetimeSeconds * 1_000;

/** Of a finished erasure nothing tells whom it was about. */
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
 * The erasures, and for the resync three indexes: of those that are at work; by time, of those that wait until Face has
 * thrown away its templates; and by time, of what is kept of persons for late work.
 */
export function createErasures(table: Table, now: () => number) {
  /** Rows of an index by time of which the time has come. */
  function due<Value>(prefix: string, top: number): Promise<Stored<Value>[]> {
    return take(table.range<Value>(partition, prefix, `${prefix}${oldestFirst(now() + 1)}`), top);
  }

  /** Changes the erasure that a row of an index by time names, and drops that row. */
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
    /** Written before anything is marked as deleted, so that it is never forgotten. */
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

    /** Nothing was marked as deleted: the request was refused. One that is over stays, and is resolved with. */
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

    /** Something of it was removed beside its steps. */
    async count(id: string, erased: Partial<Erased>): Promise<void> {
      await this.change(id, (erasure) =>
        erasure.removedAt === undefined ? { ...erasure, erased: plus(erasure.erased, erased) } : erasure,
      );
    },

    /** Everything that is ours is gone; `last` did the work for all erasures that were open. */
    async removed(id: string, last: Erasure): Promise<void> {
      await retryOnConflict(async () => {
        const before = await table.get<Erasure>(partition, `e.${id}`);
        if (before === undefined || before.value.removedAt !== undefined) return;
        const removedAt = now();
        // Its own may have grown since.
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

    /** Those of which the last template has expired; at most so many. */
    async finishExpired(top: number): Promise<void> {
      for (const { rowKey } of await due('w.', top))
        await endWait(rowKey, (erasure) => finished(erasure, now()));
    },

    /** What is kept of persons is dropped when no message that was sent before can come; at most so many. */
    async dropTombstones(top: number, drop: (tombstone: Tombstone) => Promise<void>): Promise<void> {
      for (const { rowKey, value } of await due<Tombstone>('t.', top)) {
        await drop(value);
        await endWait(rowKey, (erasure) => ({ ...erasure, isTombstoneGone: true }));
      }
    },

    /** Erasures that are at work. */
    async listOpen(top: number): Promise<{ id: string; group: string; person?: string }[]> {
      const rows = await take(
        table.range<{ group: string; person?: string }>(partition, 'o.', afterPrefix('o.')),
        top,
      );
      return rows.map(({ rowKey, value }) => ({ id: rowKey.slice(2), ...value }));
    },
  };
}
