import type { DatabaseSync } from 'node:sqlite';
import { emptyLogOften, openDatabase } from '../common/sqlite.ts';
import type { MessageContent, StoredMessage } from './message.ts';

type Row = Record<string, string | number | null | Uint8Array>;
type Statements = ReturnType<typeof prepareStatements>;
type Atomically = <Result>(change: () => Result) => Result;

const schema = `
  CREATE TABLE IF NOT EXISTS messages (
    entity TEXT NOT NULL, sequence INTEGER NOT NULL, messageId TEXT NOT NULL, sessionId TEXT, state TEXT NOT NULL,
    deliveryCount INTEGER NOT NULL, enqueuedAt INTEGER NOT NULL, scheduledFor INTEGER, expiresAt INTEGER,
    wasScheduled INTEGER NOT NULL, ttl INTEGER, annotations BLOB, bare BLOB NOT NULL, head BLOB,
    PRIMARY KEY (entity, sequence)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sessions (
    entity TEXT NOT NULL, sessionId TEXT NOT NULL, state BLOB NOT NULL,
    PRIMARY KEY (entity, sessionId)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS seen (
    entity TEXT NOT NULL, messageId TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (entity, messageId)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS seenAt ON seen (entity, at);
  CREATE TABLE IF NOT EXISTS sequences (entity TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
`;

/** A file of an earlier version lacks the column. */
function addHeadColumn(db: DatabaseSync): void {
  const columns = db.prepare('PRAGMA table_info(messages)').all();
  if (!columns.some(({ name }) => name === 'head')) db.exec('ALTER TABLE messages ADD COLUMN head BLOB');
}

function prepareStatements(db: DatabaseSync) {
  return {
    load: db.prepare(
      'SELECT sequence, messageId, sessionId, state, deliveryCount, enqueuedAt, scheduledFor, expiresAt, wasScheduled' +
        ' FROM messages WHERE entity = ? ORDER BY sequence',
    ),
    content: db.prepare(
      'SELECT ttl, head, annotations, bare FROM messages WHERE entity = ? AND sequence = ?',
    ),
    insert: db.prepare('INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    update: db.prepare('UPDATE messages SET state = ?, deliveryCount = ? WHERE entity = ? AND sequence = ?'),
    rewrite: db.prepare('UPDATE messages SET bare = ? WHERE entity = ? AND sequence = ?'),
    remove: db.prepare('DELETE FROM messages WHERE entity = ? AND sequence = ?'),
    last: db.prepare('SELECT last FROM sequences WHERE entity = ?'),
    setLast: db.prepare('INSERT OR REPLACE INTO sequences VALUES (?, ?)'),
    seen: db.prepare('SELECT at FROM seen WHERE entity = ? AND messageId = ?'),
    see: db.prepare('INSERT OR REPLACE INTO seen VALUES (?, ?, ?)'),
    forget: db.prepare('DELETE FROM seen WHERE entity = ? AND at < ?'),
    sessionState: db.prepare('SELECT state FROM sessions WHERE entity = ? AND sessionId = ?'),
    setSessionState: db.prepare('INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)'),
    clearSessionState: db.prepare('DELETE FROM sessions WHERE entity = ? AND sessionId = ?'),
  };
}

/**
 * What survives the broker: messages, session state, seen message IDs, last sequence numbers. What a call has written
 * to the database survives the death of the process at any moment.
 */
export class MessageStore {
  readonly #db: DatabaseSync;
  readonly #statements: Statements;

  constructor(file: string) {
    this.#db = openDatabase(file, schema);
    addHeadColumn(this.#db);
    emptyLogOften(this.#db);
    this.#statements = prepareStatements(this.#db);
  }

  /** The rows of one queue or dead-letter queue. */
  queue(name: string): QueueStore {
    return new QueueStore(name, this.#statements, (change) => this.#atomically(change));
  }

  close(): void {
    this.#db.close();
  }

  #atomically<Result>(change: () => Result): Result {
    if (this.#db.isTransaction) return change();
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = change();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}

/** The rows of one queue. A change within another `atomically` belongs to the outer one, also of another queue. */
export class QueueStore {
  readonly #name: string;
  readonly #statements: Statements;
  /** Keeps all writes of a change, or none when it throws. */
  readonly atomically: Atomically;

  constructor(name: string, statements: Statements, atomically: Atomically) {
    this.#name = name;
    this.#statements = statements;
    this.atomically = atomically;
  }

  load(): StoredMessage[] {
    return this.#statements.load.all(this.#name).map((row) => fromRow(row as Row));
  }

  content(sequenceNumber: number): MessageContent {
    return this.#statements.content.get(this.#name, sequenceNumber) as MessageContent;
  }

  insert(message: StoredMessage, { ttl, head, annotations, bare }: MessageContent): void {
    const { sequenceNumber, messageId, sessionId, state, deliveryCount, enqueuedAt } = message;
    const { scheduledFor, expiresAt, wasScheduled } = message;
    this.#statements.insert.run(
      ...[this.#name, sequenceNumber, messageId, sessionId, state, deliveryCount, enqueuedAt, scheduledFor],
      ...[expiresAt, wasScheduled ? 1 : 0, ttl, annotations, bare, head],
    );
    this.#statements.setLast.run(this.#name, sequenceNumber);
  }

  update({ sequenceNumber, state, deliveryCount }: StoredMessage): void {
    this.#statements.update.run(state, deliveryCount, this.#name, sequenceNumber);
  }

  rewrite(sequenceNumber: number, bare: Uint8Array): void {
    this.#statements.rewrite.run(bare, this.#name, sequenceNumber);
  }

  remove(sequenceNumber: number): void {
    this.#statements.remove.run(this.#name, sequenceNumber);
  }

  lastSequence(): number {
    return Number((this.#statements.last.get(this.#name) as Row | undefined)?.['last'] ?? 0);
  }

  seenAt(messageId: string): number | undefined {
    return (this.#statements.seen.get(this.#name, messageId) as { at: number } | undefined)?.at;
  }

  see(messageId: string, at: number): void {
    this.#statements.see.run(this.#name, messageId, at);
  }

  forgetSeenBefore(at: number): void {
    this.#statements.forget.run(this.#name, at);
  }

  sessionState(sessionId: string): Uint8Array | undefined {
    return (this.#statements.sessionState.get(this.#name, sessionId) as { state: Uint8Array } | undefined)
      ?.state;
  }

  setSessionState(sessionId: string, state: Uint8Array | undefined): void {
    if (state === undefined) this.#statements.clearSessionState.run(this.#name, sessionId);
    else this.#statements.setSessionState.run(this.#name, sessionId, state);
  }
}

function fromRow(row: Row): StoredMessage {
  return {
    sequenceNumber: Number(row['sequence']),
    messageId: String(row['messageId']),
    sessionId: row['sessionId'] === null ? null : String(row['sessionId']),
    state: row['state'] as StoredMessage['state'],
    deliveryCount: Number(row['deliveryCount']),
    enqueuedAt: Number(row['enqueuedAt']),
    scheduledFor: row['scheduledFor'] as number | null,
    expiresAt: row['expiresAt'] as number | null,
    wasScheduled: row['wasScheduled'] === 1,
  };
}
