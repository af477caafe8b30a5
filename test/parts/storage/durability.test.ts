import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { expect, test } from 'vitest';
import type { StorageReady } from '../../../infra/local/storage/storage.ts';
import { eventually } from '../../helpers/eventually.ts';
import { startPartProcess } from '../../helpers/partProcess.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { startReceiver } from './receiver.ts';

type StorageProcess = Awaited<ReturnType<typeof startStorageProcess>>;

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

/** What a client of the storage knows: what was acknowledged, and what it does not know of because nobody answered. */
type Known = {
  blobs: Map<string, string | undefined>;
  rows: Map<string, number | undefined>;
  pairs: Map<string, number>;
  messages: Map<string, boolean>;
  unsure: Set<string>;
};

const workers = 12;

/** Writes, replaces and deletes until the storage is killed; each worker has names of its own. */
async function load(part: StorageProcess, known: Known, worker: number, goOn: () => boolean): Promise<void> {
  const queue = part.queues.getQueueClient('work');
  for (let step = 0; goOn(); step += 1) {
    const name = `${worker}-${step % 4}`;
    const message = `${worker}-${known.messages.size}-${step}`;
    const kinds: [string, () => Promise<() => void>][] = [
      [
        `blob ${name}`,
        async () => {
          const blob = part.blobs.getContainerClient('enroll').getBlockBlobClient(name);
          if (known.blobs.get(name) !== undefined && step % 3 === 0) {
            await blob.delete();
            return () => known.blobs.set(name, undefined);
          }
          const { etag } =
            step % 2 === 0
              ? await blob.upload(name, name.length)
              : await blob.uploadData(Buffer.from(name), { blockSize: 2, maxSingleShotSize: 1 });
          return () => known.blobs.set(name, etag);
        },
      ],
      [
        `row ${name}`,
        async () => {
          if (known.rows.get(name) !== undefined && step % 5 === 0) {
            await part.table.deleteEntity('p', name);
            return () => known.rows.set(name, undefined);
          }
          await part.table.upsertEntity(
            { partitionKey: 'p', rowKey: name, value: step },
            step % 2 === 0 ? 'Replace' : 'Merge',
          );
          return () => known.rows.set(name, step);
        },
      ],
      [
        `pair ${name}`,
        async () => {
          const row = (half: string) => ({ partitionKey: 'q', rowKey: `${name}${half}`, value: step });
          await part.table.submitTransaction([
            ['upsert', row('a'), 'Replace'],
            ['upsert', row('b'), 'Merge'],
          ]);
          return () => known.pairs.set(name, step);
        },
      ],
      [
        `message ${message}`,
        async () => {
          const { messageId, popReceipt } = await queue.sendMessage(message);
          if (step % 2 === 0) {
            known.messages.set(message, true);
            await queue.deleteMessage(messageId, popReceipt);
            return () => known.messages.set(message, false);
          }
          return () => known.messages.set(message, true);
        },
      ],
    ];
    const [what, work] = kinds[step % kinds.length] ?? raise();
    try {
      (await work())();
      known.unsure.delete(what);
    } catch (error) {
      if (goOn()) throw error;
      // Killed before it answered: it may have happened or not.
      known.unsure.add(what);
    }
  }
}

function raise(): never {
  throw new Error('no such kind');
}

async function expectKept(part: StorageProcess, known: Known): Promise<void> {
  const container = part.blobs.getContainerClient('enroll');
  const blobs = new Map<string, string | undefined>();
  for await (const { name, properties } of container.listBlobsFlat()) {
    blobs.set(name, `"${properties.etag}"`);
    // Whatever is there is whole.
    expect((await container.getBlobClient(name).downloadToBuffer()).toString()).toBe(name);
  }
  for (const [name, etag] of known.blobs) {
    if (!known.unsure.has(`blob ${name}`)) expect([name, blobs.get(name)]).toEqual([name, etag]);
  }
  const rows = new Map<string, number>();
  const halves = new Map<string, number[]>();
  for await (const { partitionKey, rowKey = '', value } of part.table.listEntities<{ value: number }>()) {
    if (partitionKey === 'p') rows.set(rowKey, value);
    else halves.set(rowKey.slice(0, -1), [...(halves.get(rowKey.slice(0, -1)) ?? []), value]);
  }
  for (const [name, value] of known.rows) {
    if (!known.unsure.has(`row ${name}`)) expect([name, rows.get(name)]).toEqual([name, value]);
  }
  for (const [name, [a, b]] of halves) expect([name, a]).toEqual([name, b]);
  for (const [name, value] of known.pairs) {
    if (known.unsure.has(`pair ${name}`)) expect(halves.get(name)?.[0]).toBeGreaterThanOrEqual(0);
    else expect([name, halves.get(name)?.[0]]).toEqual([name, value]);
  }
  const queue = part.queues.getQueueClient('work');
  const messages = new Set<string>();
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({
      numberOfMessages: 32,
      visibilityTimeout: 1_000,
    });
    if (receivedMessageItems.length === 0) break;
    for (const { messageText } of receivedMessageItems) messages.add(messageText);
  }
  for (const [text, there] of known.messages) {
    if (!known.unsure.has(`message ${text}`)) expect([text, messages.has(text)]).toEqual([text, there]);
  }
  await queue.clearMessages();
}

test('kills at random moments under load lose nothing, tear nothing and bring nothing back', async () => {
  const folder = await temporaryFolder();
  const known: Known = {
    blobs: new Map(),
    rows: new Map(),
    pairs: new Map(),
    messages: new Map(),
    unsure: new Set(),
  };
  let messages = 0;
  for (let round = 0; round < 5; round += 1) {
    const part = await startStorageProcess(folder.path);
    if (round === 0) await part.table.createTable();
    await part.queues.getQueueClient('work').createIfNotExists();
    await expectKept(part, known);
    messages += known.messages.size;
    known.messages.clear();
    known.unsure.clear();
    let alive = true;
    const before = known.pairs.size;
    const loads = Array.from({ length: workers }, (_, worker) => load(part, known, worker, () => alive));
    await eventually('some work', () => known.pairs.size + known.messages.size > before + workers);
    await sleep(Math.random() * 400);
    alive = false;
    await part.kill();
    await Promise.all(loads);
  }
  const part = await startStorageProcess(folder.path);
  await expectKept(part, known);
  expect(Math.min(known.blobs.size, known.rows.size, known.pairs.size, messages)).toBeGreaterThan(10);
  await part.stop();
  await folder.remove();
}, 120_000);

test('an event that was not taken when the storage was killed is announced by the next one', async () => {
  const folder = await temporaryFolder();
  const receiver = await startReceiver();
  const start = async (): Promise<StorageProcess> => {
    const part = await startStorageProcess(folder.path);
    part.child.send({
      type: 'subscribe',
      hostUrl: receiver.url,
      subscriptions: [
        { container: 'enroll', event: 'created', function: 'take' },
        { container: 'enroll', event: 'deleted', function: 'drop' },
      ],
    });
    return part;
  };
  const put = (part: StorageProcess, name: string) =>
    part.blobs.getContainerClient('enroll').getBlockBlobClient(name).upload('x', 1);
  const first = await start();
  await put(first, 'taken');
  await eventually('the event', () => receiver.seen().includes('PutBlob taken'));
  receiver.state.status = 503;
  await put(first, 'created');
  await first.blobs.getContainerClient('enroll').deleteBlob('taken');
  await first.kill();
  receiver.state.status = 202;
  const second = await start();
  await eventually('both events', () => receiver.received.length >= 3);
  expect(new Set(receiver.seen())).toEqual(new Set(['PutBlob taken', 'PutBlob created', 'DeleteBlob taken']));
  await second.stop();
  await receiver.close();
  await folder.remove();
});

test('a port in use is named', async () => {
  const folder = await temporaryFolder();
  const first = await startStorageProcess(join(folder.path, 'first'));
  const { ports } = first.ready;
  const second = startPartProcess('storage', { dataDir: join(folder.path, 'second'), ports, containers: [] });
  await expect(second).rejects.toThrow(`port ${ports.blob} is in use by another program`);
  await first.stop();
  await folder.remove();
});
