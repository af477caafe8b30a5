import { TableClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { expect, test } from 'vitest';
import type { StorageReady } from '../../infra/local/storage/storage.ts';
import { startPartProcess } from '../helpers/partProcess.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const insecure = { allowInsecureConnection: true };
const noRetries = { retryOptions: { maxTries: 1 } };

async function startStorageProcess(dataDir: string) {
  const part = await startPartProcess<StorageReady>('storage', { dataDir, containers: ['enroll'] });
  const { connectionString } = part.ready;
  return {
    ...part,
    blobs: BlobServiceClient.fromConnectionString(connectionString, noRetries),
    queues: QueueServiceClient.fromConnectionString(connectionString, noRetries),
    table: TableClient.fromConnectionString(connectionString, 'rows', {
      ...insecure,
      retryOptions: { maxRetries: 0 },
    }),
  };
}

test('what was acknowledged is there after a kill, with the same ETags, and what was deleted is not', async () => {
  const folder = await temporaryFolder();
  const first = await startStorageProcess(folder.path);
  const container = first.blobs.getContainerClient('enroll');
  await first.table.createTable();
  const written = await container.getBlockBlobClient('g/ann/1.jpg').upload('eins', 4);
  await container.getBlockBlobClient('g/ann/2.jpg').upload('alt', 3);
  const overwritten = await container.getBlockBlobClient('g/ann/2.jpg').upload('neu!', 4);
  await container.getBlockBlobClient('g/ann/3.jpg').upload('weg', 3);
  await container.getBlockBlobClient('g/ann/3.jpg').delete();
  const staged = container.getBlockBlobClient('g/ann/4.jpg');
  await staged.uploadData(Buffer.alloc(300_000, 7), { blockSize: 100_000, maxSingleShotSize: 1_000 });
  await first.table.createEntity({ partitionKey: 'p', rowKey: 'kept', value: 1 });
  const updated = await first.table.updateEntity({ partitionKey: 'p', rowKey: 'kept', value: 2 }, 'Replace');
  await first.table.createEntity({ partitionKey: 'p', rowKey: 'gone' });
  await first.table.deleteEntity('p', 'gone');
  await first.table.submitTransaction([
    ['create', { partitionKey: 'p', rowKey: 'a', text: 'ä' }],
    ['upsert', { partitionKey: 'p', rowKey: 'kept', value: 3 }, 'Merge'],
  ]);
  const queue = first.queues.getQueueClient('work');
  await queue.create();
  await queue.sendMessage('one');
  await queue.sendMessage('two');
  const taken = (await queue.receiveMessages()).receivedMessageItems[0];
  await queue.deleteMessage(taken?.messageId ?? '', taken?.popReceipt ?? '');
  await first.kill();

  const second = await startStorageProcess(folder.path);
  const again = second.blobs.getContainerClient('enroll');
  expect((await again.getBlobClient('g/ann/1.jpg').getProperties()).etag).toBe(written.etag);
  expect((await again.getBlobClient('g/ann/2.jpg').getProperties()).etag).toBe(overwritten.etag);
  expect((await again.getBlobClient('g/ann/2.jpg').downloadToBuffer()).toString()).toBe('neu!');
  expect(await again.getBlobClient('g/ann/3.jpg').exists()).toBe(false);
  expect(await again.getBlobClient('g/ann/4.jpg').downloadToBuffer()).toEqual(Buffer.alloc(300_000, 7));
  expect(await second.table.getEntity('p', 'kept')).toMatchObject({ value: 3 });
  expect(updated.etag).toBeDefined();
  expect(await second.table.getEntity('p', 'a')).toMatchObject({ text: 'ä' });
  await expect(second.table.getEntity('p', 'gone')).rejects.toMatchObject({ statusCode: 404 });
  const left = await second.queues.getQueueClient('work').receiveMessages();
  expect(left.receivedMessageItems.map((message) => message.messageText)).toEqual(['two']);
  // What was restored can be changed again.
  await second.table.updateEntity({ partitionKey: 'p', rowKey: 'a', text: 'b' }, 'Replace');
  await again.getBlockBlobClient('g/ann/1.jpg').upload('zwei', 4);
  await second.stop();
  await folder.remove();
});

test('kills at any moment under load lose nothing that was acknowledged, and tear no transaction', async () => {
  const folder = await temporaryFolder();
  const acknowledged = {
    blobs: new Map<string, string>(),
    rows: new Set<string>(),
    pairs: new Set<string>(),
  };
  for (let round = 0; round < 3; round += 1) {
    const part = await startStorageProcess(folder.path);
    if (round === 0) await part.table.createTable();
    const killAfter = 40 + round * 35;
    let done = 0;
    const noted = async (work: Promise<() => void>) => {
      (await work)();
      done += 1;
      if (done === killAfter) await part.kill();
    };
    const work = Array.from({ length: 60 }, (_, index) => {
      const name = `${round}-${index}`;
      const blob = part.blobs.getContainerClient('enroll').getBlockBlobClient(name);
      return [
        noted(
          blob.upload(name, name.length).then(
            ({ etag }) =>
              () =>
                acknowledged.blobs.set(name, etag ?? ''),
          ),
        ),
        noted(
          part.table
            .createEntity({ partitionKey: 'p', rowKey: name })
            .then(() => () => acknowledged.rows.add(name)),
        ),
        noted(
          part.table
            .submitTransaction([
              ['create', { partitionKey: 'q', rowKey: `${name}a` }],
              ['create', { partitionKey: 'q', rowKey: `${name}b` }],
            ])
            .then(() => () => acknowledged.pairs.add(name)),
        ),
      ];
    });
    await Promise.allSettled(work.flat());
    await part.kill();
  }
  const part = await startStorageProcess(folder.path);
  for (const [name, etag] of acknowledged.blobs) {
    const properties = await part.blobs.getContainerClient('enroll').getBlobClient(name).getProperties();
    expect(properties.etag).toBe(etag);
  }
  for (const name of acknowledged.rows) await part.table.getEntity('p', name);
  const pairs = new Map<string, number>();
  for await (const { rowKey = '' } of part.table.listEntities({
    queryOptions: { filter: "PartitionKey eq 'q'" },
  })) {
    pairs.set(rowKey.slice(0, -1), (pairs.get(rowKey.slice(0, -1)) ?? 0) + 1);
  }
  expect([...pairs.values()].every((count) => count === 2)).toBe(true);
  for (const name of acknowledged.pairs) expect(pairs.get(name)).toBe(2);
  const { blobs, rows } = acknowledged;
  expect(Math.min(blobs.size, rows.size, acknowledged.pairs.size)).toBeGreaterThan(0);
  expect(blobs.size + rows.size + acknowledged.pairs.size).toBeGreaterThan(150);
  await part.stop();
  await folder.remove();
});
