import { emptyLogOften, openDatabase } from '../common/sqlite.ts';
import type { LokiCollection, LokiDatabase, LokiDocument } from './azurite.ts';

/*
 * Azurite keeps its metadata in LokiJS and saves the whole of it every 5 seconds, so that a kill loses what was
 * acknowledged since. Here each change of a document goes to SQLite instead; Loki's own saving is switched off, and
 * its collections are filled from SQLite at the start.
 *
 * The changes of one turn of the event loop are one transaction. It ends before any answer leaves (`commit`), and
 * at the latest with the turn. Azurite makes the changes of a request that belong together (remove and insert of a
 * replaced document, the operations of a table batch) without input or output in between, so a kill leaves all of
 * them or none.
 *
 * What survives: everything acknowledged, against the death of the process. A loss of power may take the last
 * changes, since not each one is flushed to the disk; the file stays whole.
 *
 * Documents take the same way through JSON as in Loki's own file.
 */

type CollectionOptions = { indices?: string[]; unique?: string[] };

export type LokiJournal = ReturnType<typeof openJournal>;

/**
 * One journal for all databases of a data folder. After a failure nothing can be kept any more: `onFailure` hears of
 * it, and every further change and commit fails.
 */
export function openJournal(file: string, onFailure: (error: unknown) => void) {
  const db = openDatabase(
    file,
    `
    CREATE TABLE IF NOT EXISTS collections (
      database TEXT NOT NULL, name TEXT NOT NULL, options TEXT NOT NULL, PRIMARY KEY (database, name)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS documents (
      database TEXT NOT NULL, collection TEXT NOT NULL, id INTEGER NOT NULL, json TEXT NOT NULL,
      PRIMARY KEY (database, collection, id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS highestIds (
      database TEXT NOT NULL, collection TEXT NOT NULL, id INTEGER NOT NULL,
      PRIMARY KEY (database, collection)) WITHOUT ROWID;
  `,
  );
  emptyLogOften(db);
  const statements = {
    collections: db.prepare('SELECT name, options FROM collections WHERE database = ?'),
    documents: db.prepare('SELECT json FROM documents WHERE database = ? AND collection = ? ORDER BY id'),
    highestId: db.prepare('SELECT id FROM highestIds WHERE database = ? AND collection = ?'),
    addCollection: db.prepare('INSERT OR REPLACE INTO collections VALUES (?, ?, ?)'),
    keepHighestId: db.prepare('INSERT OR REPLACE INTO highestIds VALUES (?, ?, ?)'),
    put: db.prepare('INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)'),
    remove: db.prepare('DELETE FROM documents WHERE database = ? AND collection = ? AND id = ?'),
    dropped: [
      'collections WHERE database = ? AND name = ?',
      ...['documents', 'highestIds'].map(ofCollection),
    ].map((where) => db.prepare(`DELETE FROM ${where}`)),
  };
  let failure: unknown;

  /** What could not be kept must not be acknowledged. */
  function guarded(work: () => void): void {
    if (failure !== undefined) throw new Error('the metadata cannot be kept', { cause: failure });
    try {
      work();
    } catch (error) {
      failure = error;
      throw error;
    }
  }

  function change(work: () => void): void {
    guarded(() => {
      if (!db.isTransaction) {
        db.exec('BEGIN');
        setImmediate(endTurn);
      }
      work();
    });
  }

  function commit(): void {
    guarded(() => {
      if (db.isOpen && db.isTransaction) db.exec('COMMIT');
    });
  }

  function endTurn(): void {
    try {
      commit();
    } catch (error) {
      onFailure(error);
    }
  }

  function watch(database: string, collection: LokiCollection): void {
    const { name } = collection;
    const put = (changed: LokiDocument | LokiDocument[]): void =>
      change(() => {
        for (const document of [changed].flat()) {
          statements.put.run(database, name, document.$loki, JSON.stringify(document));
        }
      });
    collection.on('insert', put);
    collection.on('update', put);
    collection.on('delete', (removed) =>
      change(() => {
        for (const { $loki } of [removed].flat()) {
          statements.remove.run(database, name, $loki);
          // Loki gives no id twice, and lists are paged by id.
          if ($loki === collection.maxId) statements.keepHighestId.run(database, name, $loki);
        }
      }),
    );
  }

  function restore(database: string, loki: LokiDatabase): void {
    for (const row of statements.collections.all(database) as { name: string; options: string }[]) {
      const { indices = [], unique = [] } = JSON.parse(row.options) as CollectionOptions;
      const collection = loki.addCollection(row.name, { indices, unique });
      collection.data = statements.documents
        .all(database, row.name)
        .map(({ json }) => JSON.parse(String(json)) as LokiDocument);
      const highest = statements.highestId.get(database, row.name) as { id: number } | undefined;
      collection.maxId = Math.max(collection.data.at(-1)?.$loki ?? 0, highest?.id ?? 0);
      collection.ensureId();
      for (const field of indices) collection.ensureIndex(field, true);
      for (const field of unique) collection.ensureUniqueIndex(field);
      watch(database, collection);
    }
  }

  return {
    /** Fills an empty Loki database, and from then on keeps each of its changes. Before its first use. */
    attach(database: string, loki: LokiDatabase): void {
      loki.autosaveDisable();
      loki.saveDatabase = (...args) => {
        const callback = args.find((argument) => typeof argument === 'function');
        (callback as ((error?: Error) => void) | undefined)?.();
      };
      loki.close = (callback) => callback?.();
      restore(database, loki);

      const addCollection = loki.addCollection.bind(loki);
      loki.addCollection = (name, options = {}) => {
        const collection = addCollection(name, options);
        const { indices = [], unique = [] } = options;
        change(() => statements.addCollection.run(database, name, JSON.stringify({ indices, unique })));
        watch(database, collection);
        return collection;
      };
      const removeCollection = loki.removeCollection.bind(loki);
      loki.removeCollection = (name) => {
        removeCollection(name);
        change(() => {
          for (const statement of statements.dropped) statement.run(database, name);
        });
      };
    },

    /** Ends the open transaction, if there is one. @throws Error when the changes could not be kept */
    commit,
    close(): void {
      commit();
      db.close();
    },
  };
}

function ofCollection(table: string): string {
  return `${table} WHERE database = ? AND collection = ?`;
}
