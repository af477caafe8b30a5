import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startStorage } from '../../../emulators/storage/storage.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { startReceiver } from './receiver.ts';
import { startStorageProcess, type StorageProcess } from './storageProcess.ts';

test('a kill loses nothing that was acknowledged, brings nothing back, and keeps events that were not taken', async () => {
  const folder = await temporaryFolder();
  const receiver = await startReceiver();
  const start = async (): Promise<StorageProcess> => {
    const part = await startStorageProcess(folder.path);
    part.child.send({
      type: 'subscribe',
      hostUrl: receiver.url,
      keys: { created: 'key of blobs', deleted: 'key of events' },
      subscriptions: [
        { container: 'enroll', event: 'created', function: 'take' },
        { container: 'enroll', event: 'deleted', function: 'drop' },
      ],
    });
    return part;
  };
  const first = await start();
  const container = first.blobs.getContainerClient('enroll');
  await first.table.createTable();
  await container.getBlockBlobClient('taken').upload('x', 1);
  await eventually('the event', () => receiver.seen().includes('PutBlob taken'));
  receiver.state.status = 503;
  await container.deleteBlob('taken');
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

  receiver.state.status = 202;
  const second = await start();
  await eventually('the last event', () => receiver.seen().includes('PutBlockList g/ann/4.jpg'));
  expect(receiver.seen().toSorted()).toEqual([
    'DeleteBlob g/ann/3.jpg',
    'DeleteBlob taken',
    'PutBlob g/ann/1.jpg',
    'PutBlob g/ann/2.jpg',
    'PutBlob g/ann/2.jpg',
    'PutBlob g/ann/3.jpg',
    'PutBlob taken',
    'PutBlockList g/ann/4.jpg',
  ]);
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
  await receiver.close();
  await folder.remove();
});

test('a port in use is named', async () => {
  const folder = await temporaryFolder();
  const first = await startStorage({ dataDir: join(folder.path, 'first'), containers: [] });
  const { ports } = first.ready;
  const second = startStorage({ dataDir: join(folder.path, 'second'), ports, containers: [] });
  await expect(second).rejects.toThrow(`port ${ports.blob} is in use by another program`);
  await first.close();
  await folder.remove();
});
