import type { TableEntityResult, TransactionAction } from '@azure/data-tables';
import { RollcallError } from '../errors/errors.ts';

/** A row as read; the ETag identifies its version. */
export type Stored<Value> = { value: Value; etag: string; rowKey: string };

export type Write =
  | { kind: 'insert'; rowKey: string; value: unknown }
  | { kind: 'replace'; rowKey: string; value: unknown; etag: string }
  | { kind: 'put'; rowKey: string; value: unknown }
  | { kind: 'remove'; rowKey: string; etag?: string };

/*
 * How a value is stored in an entity: its JSON, in the properties value0, value1, … In Table Storage a string property
 * holds at most 64 KiB of UTF-16, and an entity at most 1 MiB.
 */

const chunkLength = 32_000;
const chunksAtMost = 15;
/** The most characters of JSON in a record. A chunk may be one character shorter, so as to keep a surrogate pair. */
export const longestRecord = (chunkLength - 1) * chunksAtMost;

export function toProperties(value: unknown): Record<string, string> {
  const chunks = toChunks(JSON.stringify(value));
  if (chunks.length > chunksAtMost)
    throw new RollcallError('internal', 'A record is larger than a table row.');
  return Object.fromEntries(chunks.map((chunk, index) => [`value${index}`, chunk]));
}

export function parseEntity<Value>(entity: TableEntityResult<Record<string, unknown>>): Stored<Value> {
  let text = '';
  for (let index = 0; `value${index}` in entity; index += 1) text += String(entity[`value${index}`]);
  return { value: JSON.parse(text) as Value, etag: entity.etag, rowKey: entity.rowKey ?? '' };
}

/** Splits a text into chunks without splitting a surrogate pair, because half a pair is not valid text. */
function toChunks(text: string): string[] {
  const chunks: string[] = [];
  for (let start = 0; start < text.length || start === 0;) {
    const end = start + chunkLength;
    const isSplit = /[\ud800-\udbff]/.test(text.charAt(end - 1));
    chunks.push(text.slice(start, isSplit ? end - 1 : end));
    start = isSplit ? end - 1 : end;
  }
  return chunks;
}

/** Whether the text is a valid key: at most 512 characters, none of those that Table Storage forbids. */
export function isKey(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.length <= 512 && !/[/\\#?\u0000-\u001f\u007f-\u009f]/.test(text);
}

/** Reads the time of the last change from an ETag such as W/"datetime'2026-11-23T16%3A00%3A00.1234567Z'". */
export function parseEtagTime(etag: string): number | undefined {
  const time = /datetime'([^']+)'/.exec(etag)?.[1];
  const parsed = time === undefined ? NaN : Date.parse(decodeURIComponent(time));
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** The write of a row that has not changed since it was read. */
export function upsert(rowKey: string, before: Stored<unknown> | undefined, value: unknown): Write {
  return before === undefined
    ? { kind: 'insert', rowKey, value }
    : { kind: 'replace', rowKey, value, etag: before.etag };
}

export function toAction(partitionKey: string, write: Write): TransactionAction {
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
