import { randomUUID } from 'node:crypto';
import { oldestFirst } from './keys.ts';
import { afterPrefix, retryOnConflict, take, type Table } from './table.ts';

/** What was removed, by kind; `faces` are those of Face. */
export type Erased = Record<'blobs' | 'faces' | 'pictures' | 'faceIds' | 'results', number>;

/** The erasure of a group or of a person: how far it is, and, when it is over, what is left to prove it. No names. */
export type Erasure = {
  id: string;
  group: string;
  /** Key of the person; absent: the whole group. */
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
};

const partition = 'erasures';

export function plus(erased: Erased, more: Partial<Erased>): Erased {
  const total = { ...erased };
  for (const [kind, count] of Object.entries(more) as [keyof Erased, number][]) total[kind] += count;
  return total;
}

export type Erasures = ReturnType<typeof createErasures>;

/**
 * The erasures, and for the sweep two indexes: of those that are at work, and by time of those that wait until Face has
 * thrown away its templates.
 */
export function createErasures(table: Table, now: () => number) {
  return {
    /** Written before anything is marked as deleted, so that it is never forgotten. */
    async open(
      of: Pick<Erasure, 'group' | 'person' | 'withProbes' | 'settingsVersion'>,
      deletedAt: number,
    ): Promise<Erasure> {
      const erasure: Erasure = {
        ...of,
        id: randomUUID(),
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
          ...(expireAt > removedAt ? {} : { finishedAt: removedAt }),
        };
        await table.write(partition, [
          { kind: 'replace', rowKey: `e.${id}`, value, etag: before.etag },
          { kind: 'remove', rowKey: `o.${id}` },
          ...(expireAt > removedAt
            ? [{ kind: 'put' as const, rowKey: `w.${oldestFirst(expireAt)}.${id}`, value: {} }]
            : []),
        ]);
      });
    },

    /** Those of which the last template has expired; at most so many. */
    async finishExpired(top: number): Promise<void> {
      const due = await take(table.range(partition, 'w.', `w.${oldestFirst(now() + 1)}`), top);
      for (const { rowKey } of due)
        await retryOnConflict(async () => {
          if ((await table.get(partition, rowKey)) === undefined) return;
          const before = await table.get<Erasure>(
            partition,
            `e.${rowKey.slice(rowKey.lastIndexOf('.') + 1)}`,
          );
          const value = { ...before?.value, finishedAt: now() };
          await table.write(partition, [
            ...(before === undefined
              ? []
              : [{ kind: 'replace' as const, rowKey: before.rowKey, value, etag: before.etag }]),
            { kind: 'remove', rowKey },
          ]);
        });
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
