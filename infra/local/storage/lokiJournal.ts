import { openDatabase } from '../sqlite.ts';

/*
 * Azurite keeps its metadata in LokiJS and saves the whole of it every 5 seconds, so that a kill loses what was
 * acknowledged since. Here each change of a document goes to SQLite before the change returns, and so before the
 * answer leaves; Loki's own saving is switched off, and its collections are filled from SQLite at the start.
 * What survives: everything acknowledged, against the death of the process. Not against the loss of power, since
 * nothing is flushed to the disk.
 *
 * Documents take the same way through JSON as in Loki's own file.
 */

export type LokiDocument = { $loki: number } & Record<string, unknown>;

export type LokiCollection = {
  name: string;
  data: LokiDocument[];
  maxId: number;
  binaryIndices: Record<string, unknown>;
  uniqueNames: string[];
  on(event: string, listener: (document: LokiDocument | LokiDocument[]) => void): void;
  ensureId(): void;
  ensureIndex(field: string, force: boolean): void;
  ensureUniqueIndex(field: string): void;
};

type CollectionOptions = { indices?: string[]; unique?: string[] };

export type LokiDatabase = {
  collections: LokiCollection[];
  autosaveDisable(): void;
  addCollection(name: string, options?: CollectionOptions): LokiCollection;
  removeCollection(name: string): void;
  saveDatabase(...args: unknown[]): void;
  close(callback?: (error?: Error) => void): void;
};

export type LokiJournal = ReturnType<typeof openJournal>;

/** One journal for all databases of a data folder. */
export function openJournal(file: string) {
  const db = openDatabase(
    file,
    `
    CREATE TABLE IF NOT EXISTS collections (
      database TEXT NOT NULL, name TEXT NOT NULL, options TEXT NOT NULL, PRIMARY KEY (database, name)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS documents (
      database TEXT NOT NULL, collection TEXT NOT NULL, id INTEGER NOT NULL, json TEXT NOT NULL,
      PRIMARY KEY (database, collection, id)) WITHOUT ROWID;
  `,
  );
  const statements = {
    collections: db.prepare('SELECT name, options FROM collections WHERE database = ?'),
    documents: db.prepare('SELECT json FROM documents WHERE database = ? AND collection = ? ORDER BY id'),
    addCollection: db.prepare('INSERT OR REPLACE INTO collections VALUES (?, ?, ?)'),
    dropCollection: db.prepare('DELETE FROM collections WHERE database = ? AND name = ?'),
    dropDocuments: db.prepare('DELETE FROM documents WHERE database = ? AND collection = ?'),
    put: db.prepare('INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)'),
    remove: db.prepare('DELETE FROM documents WHERE database = ? AND collection = ? AND id = ?'),
  };

  function begin(): void {
    commit();
    db.exec('BEGIN');
    // A batch runs without input or output, so it ends before this; if it does not, nothing is held back.
    setImmediate(commit);
  }

  function commit(): void {
    if (db.isTransaction) db.exec('COMMIT');
  }

  function watch(database: string, collection: LokiCollection): void {
    const each = (documents: LokiDocument | LokiDocument[]) =>
      Array.isArray(documents) ? documents : [documents];
    const put = (documents: LokiDocument | LokiDocument[]): void => {
      for (const document of each(documents)) {
        statements.put.run(database, collection.name, document.$loki, JSON.stringify(document));
      }
    };
    collection.on('insert', put);
    collection.on('update', put);
    collection.on('delete', (documents) => {
      for (const document of each(documents))
        statements.remove.run(database, collection.name, document.$loki);
    });
  }

  function restore(database: string, loki: LokiDatabase): void {
    for (const row of statements.collections.all(database) as { name: string; options: string }[]) {
      const { indices = [], unique = [] } = JSON.parse(row.options) as CollectionOptions;
      const collection = loki.addCollection(row.name, { indices, unique });
      collection.data = statements.documents
        .all(database, row.name)
        .map(({ json }) => JSON.parse(String(json)) as LokiDocument);
      collection.maxId = collection.data.at(-1)?.$loki ?? 0;
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
        statements.addCollection.run(database, name, JSON.stringify({ indices, unique }));
        watch(database, collection);
        return collection;
      };
      const removeCollection = loki.removeCollection.bind(loki);
      loki.removeCollection = (name) => {
        removeCollection(name);
        statements.dropCollection.run(database, name);
        statements.dropDocuments.run(database, name);
      };
    },

    begin,
    commit,
    close(): void {
      commit();
      db.close();
    },
  };
}
