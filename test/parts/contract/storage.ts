import type { TableClient } from '@azure/data-tables';
import type { ContainerClient } from '@azure/storage-blob';
import { expect, test } from 'vitest';

export type StorageTarget = () => { container: ContainerClient; table: TableClient };

/** What the pipeline relies on of Blob and Table Storage. */
export function storageContract(target: StorageTarget): void {
  test('a blob is read in the version that was asked for, or not at all', async () => {
    const blob = target().container.getBlockBlobClient('group/Frank Ö’Neil/1 100%.jpg');
    const { etag = '' } = await blob.upload('first', 5);
    const { etag: other } = await blob.upload('second', 6);
    expect(other).not.toBe(etag);
    await expect(blob.downloadToBuffer(0, 6, { conditions: { ifMatch: etag } })).rejects.toMatchObject({
      statusCode: 412,
    });
    await expect(blob.delete({ conditions: { ifMatch: etag } })).rejects.toMatchObject({ statusCode: 412 });
    await blob.delete();
    await expect(blob.getProperties()).rejects.toMatchObject({ statusCode: 404 });
  });

  test('a row is replaced under its ETag only, and inserted once', async () => {
    const { table } = target();
    const row = { partitionKey: 'p', rowKey: 'r', value: '1' };
    const { etag = '' } = await table.createEntity(row);
    await expect(table.createEntity(row)).rejects.toMatchObject({ statusCode: 409 });
    await table.updateEntity({ ...row, value: '2' }, 'Replace', { etag });
    await expect(table.updateEntity({ ...row, value: '3' }, 'Replace', { etag })).rejects.toMatchObject({
      statusCode: 412,
    });
    expect(await table.getEntity('p', 'r')).toMatchObject({ value: '2' });
  });

  test('a transaction is done as a whole or not at all', async () => {
    const { table } = target();
    await table.createEntity({ partitionKey: 't', rowKey: 'there' });
    const both = ['a', 'there'].map((rowKey) => ['create', { partitionKey: 't', rowKey }] as ['create', Row]);
    await expect(table.submitTransaction(both)).rejects.toMatchObject({ statusCode: 409 });
    await expect(table.getEntity('t', 'a')).rejects.toMatchObject({ statusCode: 404 });
  });

  test('rows come sorted by their key, within bounds', async () => {
    const { table } = target();
    for (const rowKey of ['b', 'a~', 'c', 'a']) await table.createEntity({ partitionKey: 'q', rowKey });
    const keys: (string | undefined)[] = [];
    const filter = `PartitionKey eq 'q' and RowKey ge 'a' and RowKey lt 'c'`;
    for await (const { rowKey } of table.listEntities({ queryOptions: { filter } })) keys.push(rowKey);
    expect(keys).toEqual(['a', 'a~', 'b']);
  });
}

type Row = { partitionKey: string; rowKey: string };
