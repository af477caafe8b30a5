import type { DatabaseSync } from 'node:sqlite';
import { emptyLogOften, openDatabase } from '../common/sqlite.ts';

/** An event that a function has not received yet. */
export type PendingEvent = {
  id: number;
  function: string;
  event: 'created' | 'deleted';
  body: string;
  tries: number;
};

/** An event for each of `functions`. `etag`: the announced version of the blob; undefined: the blob is deleted. */
export type Announcement = {
  container: string;
  blob: string;
  etag: string | undefined;
  event: 'created' | 'deleted';
  functions: string[];
  body: string;
};

export type Outbox = ReturnType<typeof openOutbox>;

const schema = `
  CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, function TEXT NOT NULL, event TEXT NOT NULL, body TEXT NOT NULL,
    tries INTEGER NOT NULL, addedAt INTEGER NOT NULL, dueAt INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS eventsDue ON events (dueAt);
  CREATE INDEX IF NOT EXISTS eventsAdded ON events (addedAt);
  CREATE TABLE IF NOT EXISTS announced (
    container TEXT NOT NULL, blob TEXT NOT NULL, etag TEXT NOT NULL,
    PRIMARY KEY (container, blob)) WITHOUT ROWID;
`;

function prepareStatements(db: DatabaseSync) {
  return {
    add: db.prepare(
      'INSERT INTO events (function, event, body, tries, addedAt, dueAt) VALUES (?, ?, ?, 0, ?, ?)',
    ),
    due: db.prepare(
      'SELECT id, function, event, body, tries FROM events WHERE dueAt <= ? ORDER BY id LIMIT ?',
    ),
    next: db.prepare('SELECT MIN(dueAt) AS dueAt FROM events'),
    postpone: db.prepare('UPDATE events SET tries = tries + 1, dueAt = ? WHERE id = ?'),
    remove: db.prepare('DELETE FROM events WHERE id = ?'),
    dropOlder: db.prepare('DELETE FROM events WHERE addedAt < ?'),
    functions: db.prepare('SELECT DISTINCT function FROM events'),
    dropFunction: db.prepare('DELETE FROM events WHERE function = ?'),
    dueNow: db.prepare('UPDATE events SET dueAt = ? WHERE dueAt > ?'),
    announce: db.prepare('INSERT OR REPLACE INTO announced VALUES (?, ?, ?)'),
    forget: db.prepare('DELETE FROM announced WHERE container = ? AND blob = ?'),
    touch: db.prepare('UPDATE announced SET etag = ? WHERE container = ? AND blob = ? AND etag = ?'),
    etag: db.prepare('SELECT etag FROM announced WHERE container = ? AND blob = ?'),
    names: db.prepare('SELECT blob FROM announced WHERE container = ? AND blob > ? ORDER BY blob LIMIT ?'),
  };
}

/** Opens the events that are not delivered yet, and the version of each blob that was announced last. */
export function openOutbox(file: string) {
  const db = openDatabase(file, schema);
  emptyLogOften(db);
  const statements = prepareStatements(db);

  function transaction(work: () => void): void {
    db.exec('BEGIN');
    try {
      work();
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }

  return {
    add({ container, blob, etag, event, functions, body }: Announcement, now: number): void {
      transaction(() => {
        for (const name of functions) statements.add.run(name, event, body, now, now);
        if (etag === undefined) statements.forget.run(container, blob);
        else statements.announce.run(container, blob, etag);
      });
    },
    /** The oldest of the events that are due. */
    due: (now: number, top: number) => statements.due.all(now, top) as PendingEvent[],
    nextDueAt: (): number | undefined =>
      (statements.next.get() as { dueAt: number | null }).dueAt ?? undefined,
    postpone: (id: number, until: number) => void statements.postpone.run(until, id),
    remove: (id: number) => void statements.remove.run(id),
    /** Drops events that were added before `time`, and returns their number. */
    dropOlderThan: (time: number): number => Number(statements.dropOlder.run(time).changes),
    /** Drops the events of all other functions, and makes the events of these functions due. */
    keepOnly(functions: ReadonlySet<string>, now: number): void {
      transaction(() => {
        for (const { function: name } of statements.functions.all() as { function: string }[]) {
          if (!functions.has(name)) statements.dropFunction.run(name);
        }
        statements.dueNow.run(now, now);
      });
    },
    announcedEtag: (container: string, blob: string): string | undefined =>
      (statements.etag.get(container, blob) as { etag: string } | undefined)?.etag,
    /** Replaces the announced ETag of a blob by an ETag that is not announced. */
    touch: (container: string, blob: string, etagBefore: string, etag: string) =>
      void statements.touch.run(etag, container, blob, etagBefore),
    /** The names of announced blobs after `after`, in the order of SQLite. */
    announcedNames: (container: string, after: string, top: number): string[] =>
      (statements.names.all(container, after, top) as { blob: string }[]).map(({ blob }) => blob),
    close: () => db.close(),
  };
}
