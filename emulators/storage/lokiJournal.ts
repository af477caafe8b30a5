import type { DatabaseSync } from 'node:sqlite';
import { emptyLogOften, openDatabase } from '../common/sqlite.ts';
import type { LokiCollection, LokiDatabase, LokiDocument } from './azurite.ts';
import { createTurnTransaction, type TurnTransaction } from './turnTransaction.ts';

/*
 * Azurite keeps its metadata in LokiJS and saves all of it every 5 seconds, so that a kill loses what was acknowledged
 * since the last save. The journal writes each change of a document to SQLite instead: Loki's own saving is switched
 * off, and Loki's collections are filled from SQLite at the start.
 *
 * The changes of one turn of the event loop are one transaction, which ends before a response leaves. Azurite makes the
 * changes of a request that belong together (remove and insert of a replaced document, the operations of a table batch)
 * without input or output in between, so that a kill leaves all of these changes or none.
 *
 * Everything acknowledged survives the death of the process. A loss of power may take the last changes, because not
 * each change is flushed to the disk; the file stays consistent.
 *
 * Documents are converted to JSON and back as in Loki's own file.
 */

const schema = `
  CREATE TABLE IF NOT EXISTS collections (
    database TEXT NOT NULL, name TEXT NOT NULL, options TEXT NOT NULL, PRIMARY KEY (database, name)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS documents (
    database TEXT NOT NULL, collection TEXT NOT NULL, id INTEGER NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (database, collection, id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS highestIds (
    database TEXT NOT NULL, collection TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (database, collection)) WITHOUT ROWID;
`;

function prepareStatements(db: DatabaseSync) {
  const ofCollection = 'WHERE database = ? AND collection = ?';
  return {
    collections: db.prepare('SELECT name, options FROM collections WHERE database = ?'),
    documents: db.prepare(`SELECT json FROM documents ${ofCollection} ORDER BY id`),
    highestId: db.prepare(`SELECT id FROM highestIds ${ofCollection}`),
    addCollection: db.prepare('INSERT OR REPLACE INTO collections VALUES (?, ?, ?)'),
    keepHighestId: db.prepare('INSERT OR REPLACE INTO highestIds VALUES (?, ?, ?)'),
    put: db.prepare('INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)'),
    remove: db.prepare(`DELETE FROM documents ${ofCollection} AND id = ?`),
    drop: [
      db.prepare('DELETE FROM collections WHERE database = ? AND name = ?'),
      db.prepare(`DELETE FROM documents ${ofCollection}`),
      db.prepare(`DELETE FROM highestIds ${ofCollection}`),
    ],
  };
}

type CollectionOptions = { indices?: string[]; unique?: string[] };

/** The journal of one of the databases of a data folder. */
type Journal = {
  database: string;
  statements: ReturnType<typeof prepareStatements>;
  change: TurnTransaction['change'];
};

export type LokiJournal = ReturnType<typeof openJournal>;

/** Opens the journal of all databases of a data folder. `onFailure`: called when a change could not be written. */
export function openJournal(file: string, onFailure: (error: unknown) => void) {
  const db = openDatabase(file, schema);
  emptyLogOften(db);
  const statements = prepareStatements(db);
  const { change, commit } = createTurnTransaction(db, onFailure);
  return {
    /** Fills an empty Loki database, and writes each of its changes from then on. To be called before its first use. */
    attach(database: string, loki: LokiDatabase): void {
      const journal = { database, statements, change };
      disableSaving(loki);
      restore(journal, loki);
      watchCollections(journal, loki);
    },
    /** Ends the open transaction, if there is one. @throws Error when a change could not be written */
    commit,
    close(): void {
      commit();
      db.close();
    },
  };
}

function disableSaving(loki: LokiDatabase): void {
  loki.autosaveDisable();
  loki.saveDatabase = (...args) => {
    const callback = args.find((argument) => typeof argument === 'function');
    (callback as ((error?: Error) => void) | undefined)?.();
  };
  loki.close = (callback) => callback?.();
}

function restore(journal: Journal, loki: LokiDatabase): void {
  const { database, statements } = journal;
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
    watchDocuments(journal, collection);
  }
}

function watchCollections(journal: Journal, loki: LokiDatabase): void {
  const { database, statements, change } = journal;
  const addCollection = loki.addCollection.bind(loki);
  loki.addCollection = (name, options = {}) => {
    const collection = addCollection(name, options);
    const { indices = [], unique = [] } = options;
    change(() => statements.addCollection.run(database, name, JSON.stringify({ indices, unique })));
    watchDocuments(journal, collection);
    return collection;
  };
  const removeCollection = loki.removeCollection.bind(loki);
  loki.removeCollection = (name) => {
    removeCollection(name);
    change(() => {
      for (const statement of statements.drop) statement.run(database, name);
    });
  };
}

function watchDocuments({ database, statements, change }: Journal, collection: LokiCollection): void {
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
        // Azurite pages lists by ID, and Loki gives no ID twice: the highest ID outlives its document.
        if ($loki === collection.maxId) statements.keepHighestId.run(database, name, $loki);
      }
    }),
  );
}
