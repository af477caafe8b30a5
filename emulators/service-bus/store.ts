import { emptyLogOften, openDatabase } from '../common/sqlite.ts';

/** A message as it is kept. Times are milliseconds since 1970. */
export type StoredMessage = {
  sequenceNumber: number;
  messageId: string;
  sessionId: string | null;
  state: 'active' | 'deferred' | 'scheduled';
  deliveryCount: number;
  enqueuedAt: number;
  scheduledFor: number | null;
  expiresAt: number | null;
  /** The message was scheduled once, which its annotations go on saying. */
  wasScheduled: boolean;
};

/** The sections of a message that are kept as they came. */
export type MessageContent = { ttl: number | null; annotations: Uint8Array | null; bare: Uint8Array };

type Row = Record<string, string | number | null | Uint8Array>;

export type MessageStore = ReturnType<typeof openStore>;
export type EntityStore = ReturnType<MessageStore['entity']>;

/**
 * What survives the broker: messages, session state, seen message IDs, sequence numbers. SQLite with a write-ahead
 * log: what a call has written survives the death of the process at any moment.
 */
export function openStore(file: string) {
  const db = openDatabase(
    file,
    `
    CREATE TABLE IF NOT EXISTS messages (
      entity TEXT NOT NULL, sequence INTEGER NOT NULL, messageId TEXT NOT NULL, sessionId TEXT, state TEXT NOT NULL,
      deliveryCount INTEGER NOT NULL, enqueuedAt INTEGER NOT NULL, scheduledFor INTEGER, expiresAt INTEGER,
      wasScheduled INTEGER NOT NULL, ttl INTEGER, annotations BLOB, bare BLOB NOT NULL,
      PRIMARY KEY (entity, sequence)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sessions (
      entity TEXT NOT NULL, sessionId TEXT NOT NULL, state BLOB NOT NULL,
      PRIMARY KEY (entity, sessionId)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS seen (
      entity TEXT NOT NULL, messageId TEXT NOT NULL, at INTEGER NOT NULL,
      PRIMARY KEY (entity, messageId)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS seenAt ON seen (entity, at);
    CREATE TABLE IF NOT EXISTS sequences (entity TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
  `,
  );
  emptyLogOften(db);
  const statements = {
    load: db.prepare(
      'SELECT sequence, messageId, sessionId, state, deliveryCount, enqueuedAt, scheduledFor, expiresAt, wasScheduled' +
        ' FROM messages WHERE entity = ? ORDER BY sequence',
    ),
    content: db.prepare('SELECT ttl, annotations, bare FROM messages WHERE entity = ? AND sequence = ?'),
    insert: db.prepare('INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
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

  /** All writes of `change`, or none. */
  function atomically<Result>(change: () => Result): Result {
    if (db.isTransaction) return change();
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = change();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  }

  return {
    atomically,
    close: () => db.close(),

    /** The rows of one queue or dead-letter queue. */
    entity(name: string) {
      return {
        atomically,
        load: (): StoredMessage[] => statements.load.all(name).map((row) => fromRow(row as Row)),
        content: (sequence: number): MessageContent =>
          statements.content.get(name, sequence) as MessageContent,
        insert(message: StoredMessage, { ttl, annotations, bare }: MessageContent): void {
          const { sequenceNumber, messageId, sessionId, state, deliveryCount, enqueuedAt } = message;
          const { scheduledFor, expiresAt, wasScheduled } = message;
          statements.insert.run(
            ...[name, sequenceNumber, messageId, sessionId, state, deliveryCount, enqueuedAt, scheduledFor],
            ...[expiresAt, wasScheduled ? 1 : 0, ttl, annotations, bare],
          );
          statements.setLast.run(name, sequenceNumber);
        },
        update: ({ sequenceNumber, state, deliveryCount }: StoredMessage) =>
          void statements.update.run(state, deliveryCount, name, sequenceNumber),
        rewrite: (sequence: number, bare: Uint8Array) => void statements.rewrite.run(bare, name, sequence),
        remove: (sequence: number) => void statements.remove.run(name, sequence),
        lastSequence: (): number => Number((statements.last.get(name) as Row | undefined)?.['last'] ?? 0),
        seenAt: (messageId: string): number | undefined =>
          (statements.seen.get(name, messageId) as { at: number } | undefined)?.at,
        see: (messageId: string, at: number) => void statements.see.run(name, messageId, at),
        forgetSeenBefore: (at: number) => void statements.forget.run(name, at),
        sessionState: (sessionId: string): Uint8Array | undefined =>
          (statements.sessionState.get(name, sessionId) as { state: Uint8Array } | undefined)?.state,
        setSessionState(sessionId: string, state: Uint8Array | undefined): void {
          if (state === undefined) statements.clearSessionState.run(name, sessionId);
          else statements.setSessionState.run(name, sessionId, state);
        },
      };
    },
  };
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
