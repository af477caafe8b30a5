import {
  RestError,
  type TableClient,
  type TableEntityResult,
  type TransactionAction,
} from '@azure/data-tables';
import { RollcallError } from '../errors/errors.ts';

/** A row as read; the ETag identifies its version. */
export type Stored<Value> = { value: Value; etag: string; rowKey: string };

export type Write =
  | { kind: 'insert'; rowKey: string; value: unknown }
  | { kind: 'replace'; rowKey: string; value: unknown; etag: string }
  | { kind: 'put'; rowKey: string; value: unknown }
  | { kind: 'remove'; rowKey: string; etag?: string };

/** Another writer changed a row of the transaction in between; the rows have to be read again. */
export class WriteConflict extends Error {
  override readonly name = 'WriteConflict';
}

// In Table Storage a string property holds at most 64 KiB of UTF-16, and an entity at most 1 MiB.
const chunkLength = 32_000;
const chunksAtMost = 15;
/** The most characters of JSON in a record. A chunk may be one character shorter, so as to keep a surrogate pair. */
export const longestRecord = (chunkLength - 1) * chunksAtMost;

/** A table of JSON values by partition key and row key. */
export type Table = ReturnType<typeof createTable>;

export function createTable(client: TableClient) {
  return {
    async get<Value>(partitionKey: string, rowKey: string): Promise<Stored<Value> | undefined> {
      // An invalid key cannot name a row, and the service would answer it with 400.
      if (!isKey(partitionKey) || !isKey(rowKey)) return undefined;
      try {
        return fromEntity<Value>(await client.getEntity(partitionKey, rowKey));
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    },

    /** Rows of a partition whose row keys lie in [from, before), in ascending order. */
    async *range<Value>(partitionKey: string, from: string, before: string): AsyncGenerator<Stored<Value>> {
      const filter =
        `PartitionKey eq '${escaped(partitionKey)}' and RowKey ge '${escaped(from)}'` +
        ` and RowKey lt '${escaped(before)}'`;
      for await (const entity of client.listEntities({ queryOptions: { filter } }))
        yield fromEntity<Value>(entity);
    },

    /**
     * Writes one row if it has not changed since `etag` (undefined: if it does not exist). Resolves with the new ETag
     * and the time of the write by the service's clock, which the ETag contains.
     * @throws WriteConflict when another writer was faster
     */
    async replace(
      partitionKey: string,
      rowKey: string,
      value: unknown,
      etag: string | undefined,
    ): Promise<{ etag: string; writtenAt: number | undefined }> {
      const entity = { partitionKey, rowKey, ...toProperties(value) };
      try {
        const written = await (etag === undefined
          ? client.createEntity(entity)
          : client.updateEntity(entity, 'Replace', { etag }));
        if (written.etag === undefined) throw new RollcallError('internal', 'The table gave no ETag.');
        return { etag: written.etag, writtenAt: timeOfEtag(written.etag) };
      } catch (error) {
        throw conflictOf(error) ?? error;
      }
    },

    /**
     * Applies all writes or none, within one partition; at most 100 writes.
     * @throws WriteConflict when an inserted row exists or a replaced one has changed
     */
    async write(partitionKey: string, writes: readonly Write[]): Promise<void> {
      if (writes.length === 0) return;
      try {
        await client.submitTransaction(writes.map((write) => actionOf(partitionKey, write)));
      } catch (error) {
        throw conflictOf(error) ?? error;
      }
    },
  };
}

/** Whether the text is a valid key: at most 512 characters, none of those that Table Storage forbids. */
function isKey(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.length <= 512 && !/[/\\#?\u0000-\u001f\u007f-\u009f]/.test(text);
}

function conflictOf(error: unknown): WriteConflict | undefined {
  const status = statusOf(error);
  const isConflict = status === 409 || status === 412 || status === 404;
  return isConflict ? new WriteConflict('', { cause: error }) : undefined;
}

/** Reads the time of the last change from an ETag such as W/"datetime'2026-11-23T16%3A00%3A00.1234567Z'". */
function timeOfEtag(etag: string): number | undefined {
  const time = /datetime'([^']+)'/.exec(etag)?.[1];
  const parsed = time === undefined ? NaN : Date.parse(decodeURIComponent(time));
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** Repeats an optimistic change on write conflicts, at most 30 attempts. @throws RollcallError conflict after these */
export async function retryOnConflict<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof WriteConflict)) throw error;
      if (tries === 30) throw new RollcallError('conflict', undefined, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(5 * tries, 100)));
    }
  }
}

/** Reads at most `top` values, and no further rows. */
export async function take<Value>(rows: AsyncIterable<Value>, top: number): Promise<Value[]> {
  const taken: Value[] = [];
  if (top <= 0) return taken;
  for await (const row of rows) {
    taken.push(row);
    if (taken.length >= top) break;
  }
  return taken;
}

/** Yields the rows in arrays of up to `size`. */
export async function* inSlices<Value>(rows: AsyncIterable<Value>, size: number): AsyncGenerator<Value[]> {
  let slice: Value[] = [];
  for await (const row of rows) {
    slice.push(row);
    if (slice.length < size) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}

export async function* filtered<Value>(
  rows: AsyncIterable<Value>,
  keep: (row: Value) => boolean,
): AsyncGenerator<Value> {
  for await (const row of rows) if (keep(row)) yield row;
}

/** The end of the range of row keys that begin with `prefix`. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\uffff`;
}

function actionOf(partitionKey: string, write: Write): TransactionAction {
  const key = { partitionKey, rowKey: write.rowKey };
  switch (write.kind) {
    case 'insert':
      return ['create', { ...key, ...toProperties(write.value) }];
    case 'put':
      return ['upsert', { ...key, ...toProperties(write.value) }, 'Replace'];
    case 'replace':
      return ['update', { ...key, ...toProperties(write.value) }, 'Replace', { etag: write.etag }];
    case 'remove':
      return write.etag === undefined
        ? ['delete', key]
        : (['delete', { ...key, etag: write.etag }] as TransactionAction);
  }
}

function toProperties(value: unknown): Record<string, string> {
  const chunks = chunksOf(JSON.stringify(value));
  if (chunks.length > chunksAtMost)
    throw new RollcallError('internal', 'A record is larger than a table row.');
  return Object.fromEntries(chunks.map((chunk, index) => [`value${index}`, chunk]));
}

/** Splits a text into chunks without splitting a surrogate pair, because half a pair is not valid text. */
function chunksOf(text: string): string[] {
  const chunks: string[] = [];
  for (let start = 0; start < text.length || start === 0;) {
    const end = start + chunkLength;
    const isSplit = /[\ud800-\udbff]/.test(text.charAt(end - 1));
    chunks.push(text.slice(start, isSplit ? end - 1 : end));
    start = isSplit ? end - 1 : end;
  }
  return chunks;
}

function fromEntity<Value>(entity: TableEntityResult<Record<string, unknown>>): Stored<Value> {
  let text = '';
  for (let index = 0; `value${index}` in entity; index += 1) text += String(entity[`value${index}`]);
  return { value: JSON.parse(text) as Value, etag: entity.etag, rowKey: entity.rowKey ?? '' };
}

function escaped(key: string): string {
  return key.replaceAll("'", "''");
}

function statusOf(error: unknown): number | undefined {
  return error instanceof RestError ? error.statusCode : undefined;
}
