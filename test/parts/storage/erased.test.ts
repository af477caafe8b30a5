import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { without } from '../../../emulators/storage/ranges.ts';
import { startStorage, type StorageReady } from '../../../emulators/storage/storage.ts';
import type { RunningEmulator } from '../../../emulators/common/childProcess.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { startStorageProcess } from './storageProcess.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let storage: RunningEmulator<StorageReady>;
let container: ContainerClient;

async function start(): Promise<void> {
  storage = await startStorage({ dataDir: folder.path, containers: ['enroll'] });
  const service = BlobServiceClient.fromConnectionString(storage.ready.connectionString, {
    retryOptions: { maxTries: 1 },
  });
  container = service.getContainerClient('enroll');
}
beforeEach(async () => {
  folder = await temporaryFolder();
  await start();
});
afterEach(async () => {
  await storage.close();
  await folder.remove();
});

/** Whether a file below the data folder holds these bytes. */
function isOnDisk(bytes: Buffer): boolean {
  return readdirSync(folder.path, { recursive: true })
    .map((name) => join(folder.path, String(name)))
    .filter((path) => statSync(path).isFile())
    .some((path) => readFileSync(path).includes(bytes));
}

const gone = (bytes: Buffer) => eventually('the bytes are gone', () => !isOnDisk(bytes));
const bytesOf = (name: string) => container.getBlobClient(name).downloadToBuffer();

async function upload(name: string, bytes = randomBytes(3_000)): Promise<Buffer> {
  await container.getBlockBlobClient(name).upload(bytes, bytes.length);
  return bytes;
}

test('of a deleted blob, and of one that was written again, nothing remains, and others keep their bytes', async () => {
  const kept = await upload('kept');
  const deleted = await upload('deleted');
  const replaced = await upload('replaced');
  expect([kept, deleted, replaced].map(isOnDisk)).toEqual([true, true, true]);
  await container.getBlobClient('deleted').delete();
  const newer = await upload('replaced');
  await gone(deleted);
  await gone(replaced);
  expect(await bytesOf('kept')).toEqual(kept);
  expect(await bytesOf('replaced')).toEqual(newer);
});

test('a copy and a snapshot share the bytes of their source, which go with the last of them', async () => {
  const source = await upload('source');
  const copy = container.getBlobClient('copy');
  await (await copy.beginCopyFromURL(container.getBlobClient('source').url)).pollUntilDone();
  const { snapshot = '' } = await copy.createSnapshot();
  await container.getBlobClient('source').delete();
  await gone(await comeAndGone('other 1'));
  expect(await bytesOf('copy')).toEqual(source);
  await upload('copy');
  await gone(await comeAndGone('other 2'));
  expect(await copy.withSnapshot(snapshot).downloadToBuffer()).toEqual(source);
  await copy.delete({ deleteSnapshots: 'include' });
  await gone(source);
});

test('blocks that are not committed keep their bytes, and those that are left out lose them', async () => {
  const blob = container.getBlockBlobClient('blocks');
  const blocks = [randomBytes(2_000), randomBytes(2_000)] as const;
  const ids = ['a', 'b'].map((id) => Buffer.from(id).toString('base64'));
  for (const [index, block] of blocks.entries()) await blob.stageBlock(ids[index] ?? '', block, block.length);
  await gone(await comeAndGone('other'));
  await blob.commitBlockList(ids.slice(0, 1));
  await gone(blocks[1]);
  expect(await bytesOf('blocks')).toEqual(blocks[0]);
});

test('a message of a queue goes with its deletion', async () => {
  const queues = QueueServiceClient.fromConnectionString(storage.ready.connectionString);
  const queue = queues.getQueueClient('work');
  await queue.create();
  const [text, kept] = [randomBytes(600), randomBytes(600)].map((bytes) => bytes.toString('base64'));
  await queue.sendMessage(text ?? '');
  const { receivedMessageItems } = await queue.receiveMessages();
  const [message] = receivedMessageItems;
  await queue.sendMessage(kept ?? '');
  await queue.deleteMessage(message?.messageId ?? '', message?.popReceipt ?? '');
  await gone(Buffer.from(text ?? ''));
  const { peekedMessageItems } = await queue.peekMessages();
  expect(peekedMessageItems[0]?.messageText).toBe(kept);
});

test('what a process left that ended too early is found by the next', async () => {
  const kept = await upload('kept');
  const refused = randomBytes(3_000);
  const again = container.getBlockBlobClient('kept');
  await expect(
    again.upload(refused, refused.length, { conditions: { ifNoneMatch: '*' } }),
  ).rejects.toMatchObject({ statusCode: 409 });
  await storage.close();
  const killed = await startStorageProcess(folder.path);
  const enroll = killed.blobs.getContainerClient('enroll');
  const deletedLast = randomBytes(3_000);
  await enroll.getBlockBlobClient('last').upload(deletedLast, deletedLast.length);
  await enroll.getBlobClient('last').delete();
  await killed.kill();
  await start();
  await gone(refused);
  await gone(deletedLast);
  expect(await bytesOf('kept')).toEqual(kept);
});

/** The bytes of a blob that came and went: when they are gone, what was deleted before is gone too. */
async function comeAndGone(name: string): Promise<Buffer> {
  const bytes = await upload(name);
  await container.getBlobClient(name).delete();
  return bytes;
}

test('the names of deleted blobs go too, and those of others stay', async () => {
  const names = Array.from({ length: 60 }, () => `ann-${randomBytes(12).toString('hex')}/1.jpg`);
  for (const name of names) await upload(name, randomBytes(100));
  const [deletedNames, kept] = [
    names.filter((_, index) => index % 3 > 0),
    names.filter((_, index) => index % 3 === 0),
  ];
  for (const name of deletedNames) await container.getBlobClient(name).delete();
  for (const name of deletedNames) await gone(Buffer.from(name));
  for (const name of kept) expect(isOnDisk(Buffer.from(name))).toBe(true);
});

test('what is left of a range without others', () => {
  const range = (offset: number, count: number) => ({ id: 'x', offset, count });
  expect(without(range(10, 10), [])).toEqual([range(10, 10)]);
  expect(without(range(10, 10), [range(0, 100)])).toEqual([]);
  expect(without(range(10, 10), [range(15, 2), range(0, 12), range(19, 5)])).toEqual([
    range(12, 3),
    range(17, 2),
  ]);
  expect(without(range(10, 10), [range(0, 10), range(20, 5)])).toEqual([range(10, 10)]);
});
