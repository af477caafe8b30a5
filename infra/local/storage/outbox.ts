import { openDatabase } from '../sqlite.ts';

/** An event that has to reach a subscriber. */
export type PendingEvent = {
  id: number;
  function: string;
  event: 'created' | 'deleted';
  body: string;
  tries: number;
};

export type Outbox = ReturnType<typeof openOutbox>;

/** Events that are not delivered yet, and the version of each blob that was announced last. */
export function openOutbox(file: string) {
  const db = openDatabase(
    file,
    `
    CREATE TABLE IF NOT EXISTS pending (
      id INTEGER PRIMARY KEY AUTOINCREMENT, function TEXT NOT NULL, event TEXT NOT NULL, body TEXT NOT NULL,
      tries INTEGER NOT NULL, addedAt INTEGER NOT NULL, dueAt INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS pendingDue ON pending (dueAt);
    CREATE TABLE IF NOT EXISTS announced (
      container TEXT NOT NULL, blob TEXT NOT NULL, etag TEXT NOT NULL,
      PRIMARY KEY (container, blob)) WITHOUT ROWID;
  `,
  );
  const statements = {
    add: db.prepare(
      'INSERT INTO pending (function, event, body, tries, addedAt, dueAt) VALUES (?, ?, ?, 0, ?, ?)',
    ),
    due: db.prepare(
      'SELECT id, function, event, body, tries FROM pending WHERE dueAt <= ? ORDER BY id LIMIT ?',
    ),
    next: db.prepare('SELECT MIN(dueAt) AS dueAt FROM pending'),
    postpone: db.prepare('UPDATE pending SET tries = tries + 1, dueAt = ? WHERE id = ?'),
    remove: db.prepare('DELETE FROM pending WHERE id = ?'),
    drop: db.prepare('DELETE FROM pending WHERE addedAt < ?'),
    announce: db.prepare('INSERT OR REPLACE INTO announced VALUES (?, ?, ?)'),
    forget: db.prepare('DELETE FROM announced WHERE container = ? AND blob = ?'),
    announced: db.prepare('SELECT blob, etag FROM announced WHERE container = ?'),
  };
  return {
    add: (name: string, event: string, body: string, now: number) =>
      void statements.add.run(name, event, body, now, now),
    due: (now: number, top: number) => statements.due.all(now, top) as PendingEvent[],
    nextDueAt: (): number | undefined =>
      (statements.next.get() as { dueAt: number | null }).dueAt ?? undefined,
    postpone: (id: number, until: number) => void statements.postpone.run(until, id),
    remove: (id: number) => void statements.remove.run(id),
    /** Gives up on events that are older; says how many. */
    dropOlderThan: (time: number): number => Number(statements.drop.run(time).changes),
    announce: (container: string, blob: string, etag: string) =>
      void statements.announce.run(container, blob, etag),
    forget: (container: string, blob: string) => void statements.forget.run(container, blob),
    announced: (container: string): Map<string, string> =>
      new Map(
        (statements.announced.all(container) as { blob: string; etag: string }[]).map((row) => [
          row.blob,
          row.etag,
        ]),
      ),
    close: () => db.close(),
  };
}
