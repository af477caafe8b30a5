import { Readable } from 'node:stream';
import { RestError } from '@azure/storage-blob';

/*
 * Containers and tables in memory, as far as the pipeline uses their clients: conditions, transactions and queries
 * answer as storage does. Whoever uses them says what happens around each read and write.
 */

export type MemoryBlob = {
  bytes: Uint8Array;
  writtenAt: number;
  /** Default: by the time it was written. */
  etag?: string;
  /** What is said of it, where that is not so. */
  size?: number;
  /** It is there, and nobody can read it. */
  archived?: boolean;
};

/** Name of the storage account. */
export const memoryAccount = 'inmemory';

type Row = { etag: string; properties: Record<string, unknown> };

/** Rows by partition and row key. */
export type MemoryRows = Map<string, Map<string, Row>>;

/** Runs a read or a write; what it is, in words: `get images`, `download`. */
type Effect = <Value>(what: string, action: () => Value) => Promise<Value>;
export type Effects = { read: Effect; write: Effect };

export const storageFailure = (statusCode: number, code?: string): RestError =>
  new RestError(String(statusCode), { statusCode, ...(code === undefined ? {} : { code }) });

/** Azure tells times of blobs in whole seconds. */
const told = (time: number): Date => new Date(Math.floor(time / 1_000) * 1_000);

export const etagOf = ({ etag, writtenAt }: MemoryBlob): string => etag ?? `"${writtenAt}"`;

type Conditions = { conditions?: { ifMatch?: string } };

export function memoryBlobs(
  blobs: Map<string, MemoryBlob>,
  { read, write }: Effects,
  { now, deleted }: { now: () => number; deleted?: (path: string) => void },
) {
  const found = (path: string, { conditions }: Conditions = {}): MemoryBlob => {
    const blob = blobs.get(path);
    if (blob === undefined) throw storageFailure(404);
    if (conditions?.ifMatch !== undefined && conditions.ifMatch !== etagOf(blob)) throw storageFailure(412);
    return blob;
  };
  const propertiesOf = (blob: MemoryBlob) => ({
    etag: etagOf(blob),
    contentLength: blob.size ?? blob.bytes.length,
    lastModified: told(blob.writtenAt),
  });
  const listed = (container: string, prefix: string) =>
    [...blobs]
      .filter(([path]) => path.startsWith(`${container}/${prefix}`))
      .map(([path, blob]) => ({ name: path.slice(container.length + 1), properties: propertiesOf(blob) }));
  return {
    accountName: memoryAccount,
    getContainerClient: (container: string) => ({
      getProperties: () => read('container', () => ({ date: told(now()) })),
      listBlobsFlat: ({ prefix }: { prefix: string }) => ({
        async *byPage() {
          const blobItems = await read('list blobs', () => listed(container, prefix));
          yield { segment: { blobItems }, continuationToken: '' };
        },
      }),
      getBlobClient: (name: string) => {
        const path = `${container}/${name}`;
        return {
          getProperties: () => read('blob', () => propertiesOf(found(path))),
          delete: (conditions?: Conditions) =>
            write('delete', () => {
              found(path, conditions);
              blobs.delete(path);
              deleted?.(path);
            }),
          download: (_from?: number, _count?: number, conditions?: Conditions) =>
            read('download', () => {
              const { bytes, archived = false } = found(path, conditions);
              if (archived) throw storageFailure(409, 'BlobArchived');
              return { readableStreamBody: Readable.from([Buffer.from(bytes)]) };
            }),
        };
      },
    }),
  };
}

type Entity = Record<string, unknown>;
type Action = [string, Entity, unknown?, { etag?: string }?];

export function memoryTable(
  name: string,
  partitions: MemoryRows,
  { read, write }: Effects,
  nextEtag: () => string,
) {
  const rowsOf = (partitionKey: unknown): Map<string, Row> => {
    const key = String(partitionKey);
    const rows = partitions.get(key) ?? new Map<string, Row>();
    partitions.set(key, rows);
    return rows;
  };
  const check = ([kind, { partitionKey, rowKey, etag: own }, , options]: Action): void => {
    const row = rowsOf(partitionKey).get(String(rowKey));
    const etag = kind === 'delete' ? (own as string | undefined) : options?.etag;
    if (kind === 'create' && row !== undefined) throw storageFailure(409);
    if ((kind === 'update' || kind === 'delete') && row === undefined) throw storageFailure(404);
    if (etag !== undefined && row?.etag !== etag) throw storageFailure(412);
  };
  const apply = ([kind, { partitionKey, rowKey, etag: _etag, ...properties }]: Action): void => {
    const rows = rowsOf(partitionKey);
    if (kind === 'delete') rows.delete(String(rowKey));
    else rows.set(String(rowKey), { etag: nextEtag(), properties });
  };
  return {
    getEntity: (partitionKey: string, rowKey: string) =>
      read(`get ${name}`, () => {
        const row = rowsOf(partitionKey).get(rowKey);
        if (row === undefined) throw storageFailure(404);
        return { ...row.properties, partitionKey, rowKey, etag: row.etag };
      }),
    async *listEntities({ queryOptions: { filter } }: { queryOptions: { filter: string } }) {
      const [, partitionKey = '', from = '', before = ''] =
        /^PartitionKey eq '(.*)' and RowKey ge '(.*)' and RowKey lt '(.*)'$/s.exec(filter) ?? [];
      const found = () =>
        [...rowsOf(partitionKey)]
          .filter(([rowKey]) => rowKey >= from && rowKey < before)
          .toSorted(([a], [b]) => (a < b ? -1 : 1));
      for (const [rowKey, { etag, properties }] of await read(`list ${name}`, found))
        yield { ...properties, partitionKey, rowKey, etag };
    },
    submitTransaction: (actions: Action[]) =>
      write(`write ${name}`, () => {
        for (const action of actions) check(action);
        for (const action of actions) apply(action);
      }),
  };
}
