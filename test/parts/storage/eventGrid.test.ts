import { request as httpRequest } from 'node:http';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeBlobName } from '../../../emulators/event-grid/eventGridEvent.ts';
import { startStorage, type StorageReady } from '../../../emulators/storage/storage.ts';
import type { RunningEmulator } from '../../../emulators/common/childProcess.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { startReceiver, subjectPrefix, type Receiver } from './receiver.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let receiver: Receiver;
let storage: RunningEmulator<StorageReady>;
let service: BlobServiceClient;
let container: ContainerClient;

function subscribe(to = receiver.url, only?: 'created'): void {
  storage.tell?.({
    type: 'subscribe',
    hostUrl: to,
    keys: { created: 'key of blobs', deleted: 'key of events' },
    subscriptions: [
      { container: 'enroll', event: 'created', function: 'take', maxContentLength: 1_000 },
      ...(only === 'created' ? [] : [{ container: 'enroll', event: 'deleted', function: 'drop' }]),
    ],
  });
}

async function start(): Promise<void> {
  storage = await startStorage({ dataDir: folder.path, containers: ['enroll', 'other'] });
  service = BlobServiceClient.fromConnectionString(storage.ready.connectionString);
  container = service.getContainerClient('enroll');
}

async function restart(): Promise<void> {
  await storage.close();
  await start();
}

async function put(name: string): Promise<void> {
  await container.getBlockBlobClient(name).upload('x', 1);
}

let fences = 0;

/** What was seen before a last upload whose event came through: events are sent oldest first, but arrive side by side. */
async function fence(to = receiver): Promise<string[]> {
  for (let round = 0; round < 2; round += 1) {
    fences += 1;
    const name = `fence-${fences}`;
    await put(name);
    await eventually('the last event', () => to.seen().includes(`PutBlob ${name}`));
  }
  return to.seen().filter((seen) => !seen.includes('fence-'));
}

beforeEach(async () => {
  folder = await temporaryFolder();
  receiver = await startReceiver();
  await start();
});

afterEach(async () => {
  await storage.close();
  await receiver.close();
  await folder.remove();
});

test('each kind of upload is one event', async () => {
  subscribe();
  const source = container.getBlockBlobClient('put');
  await source.upload('one', 3);
  await source.upload('two', 3);
  await container
    .getBlockBlobClient('staged')
    .uploadData(Buffer.alloc(900), { blockSize: 300, maxSingleShotSize: 1 });
  await container.getBlockBlobClient('copied at once').syncCopyFromURL(source.url);
  await (await container.getBlockBlobClient('copied').beginCopyFromURL(source.url)).pollUntilDone();
  await container.getAppendBlobClient('append').create();
  await container.getPageBlobClient('pages').create(512);
  await container.getBlockBlobClient('big').upload('x'.repeat(1_001), 1_001);
  await service.getContainerClient('other').getBlockBlobClient('unwatched').upload('x', 1);
  expect((await fence()).toSorted()).toEqual([
    'CopyBlob copied',
    'CopyBlob copied at once',
    'PutBlob append',
    'PutBlob pages',
    'PutBlob put',
    'PutBlob put',
    'PutBlockList staged',
  ]);
});

test('only a deletion of the blob itself is an event of its kind', async () => {
  subscribe();
  const blob = container.getBlockBlobClient('a/put.jpg');
  await blob.upload('one', 3);
  await blob.createSnapshot();
  const { snapshot = '' } = await blob.createSnapshot();
  await blob.withSnapshot(snapshot).delete();
  await expect(blob.delete()).rejects.toMatchObject({ statusCode: 409 });
  await blob.delete({ deleteSnapshots: 'only' });
  expect(await fence()).toEqual(['PutBlob a/put.jpg']);
  await blob.createSnapshot();
  await blob.delete({ deleteSnapshots: 'include' });
  await expect(blob.delete()).rejects.toMatchObject({ statusCode: 404 });
  expect(await fence()).toEqual(['PutBlob a/put.jpg', 'DeleteBlob a/put.jpg']);
});

test('what is no upload and what fails is no event, not even after a new start', async () => {
  subscribe();
  const blob = container.getBlockBlobClient('blob');
  await blob.upload('one', 3);
  await blob.setMetadata({ k: 'v' });
  await blob.setHTTPHeaders({ blobContentType: 'image/jpeg' });
  await blob.setTags({ t: 'v' });
  await blob.setAccessTier('Cool');
  await blob.createSnapshot();
  await blob.stageBlock(Buffer.from('b1').toString('base64'), 'x', 1);
  const lease = blob.getBlobLeaseClient();
  await lease.acquireLease(15);
  await expect(blob.upload('no', 2)).rejects.toMatchObject({ statusCode: 412 });
  await lease.releaseLease();
  const append = container.getAppendBlobClient('append');
  await append.create();
  await append.appendBlock('x', 1);
  await expect(blob.upload('no', 2, { conditions: { ifNoneMatch: '*' } })).rejects.toMatchObject({
    statusCode: 409,
  });
  await expect(blob.upload('no', 2, { conditions: { ifMatch: '"0x1"' } })).rejects.toMatchObject({
    statusCode: 412,
  });
  await expect(blob.delete({ conditions: { ifMatch: '"0x1"' } })).rejects.toMatchObject({ statusCode: 412 });
  expect((await fence()).toSorted()).toEqual(['PutBlob append', 'PutBlob blob']);
  await restart();
  subscribe();
  expect((await fence()).toSorted()).toEqual(['PutBlob append', 'PutBlob blob']);
});

test('an event has the schema of Event Grid and goes to the webhook of its kind', async () => {
  subscribe();
  const blob = container.getBlockBlobClient('g/p/1.jpg');
  const { etag, requestId, clientRequestId } = await blob.upload('one', 3, {
    blobHTTPHeaders: { blobContentType: 'image/jpeg' },
  });
  await eventually('the event', () => receiver.received.length === 1);
  await blob.delete();
  await eventually('the event', () => receiver.received.length === 2);
  const [created, deleted] = receiver.received;
  expect(created).toEqual({
    path: '/runtime/webhooks/blobs?functionName=Host.Functions.take',
    aegEventType: 'Notification',
    event: {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      topic: expect.stringContaining('/Microsoft.Storage/storageAccounts/devstoreaccount1'),
      subject: `${subjectPrefix}enroll/blobs/g/p/1.jpg`,
      eventType: 'Microsoft.Storage.BlobCreated',
      eventTime: expect.stringMatching(/^\d{4}-.*Z$/),
      dataVersion: '',
      metadataVersion: '1',
      data: {
        api: 'PutBlob',
        clientRequestId,
        requestId,
        eTag: etag?.replaceAll('"', ''),
        contentType: 'image/jpeg',
        contentLength: 3,
        blobType: 'BlockBlob',
        url: decodeURIComponent(blob.url),
        sequencer: expect.stringMatching(/^[0-9a-f]{32}$/),
      },
    },
  });
  expect(deleted).toMatchObject({
    path: '/runtime/webhooks/EventGrid?functionName=drop',
    aegEventType: 'Notification',
    event: { eventType: 'Microsoft.Storage.BlobDeleted', subject: `${subjectPrefix}enroll/blobs/g/p/1.jpg` },
  });
  expect(deleted?.event.data['sequencer']?.localeCompare(created?.event.data['sequencer'] ?? '')).toBe(1);
});

test('names with every odd character arrive as they are, in the subject and in the URL', async () => {
  subscribe();
  const names = [
    'g/Zoë O’Neil/ü ß%20+&=#?;,:@$!~*()[]{}|^`"\'<>.jpg',
    'g/山田/写真 👩‍👩‍👧 1.jpg',
    'g/a//b',
    'g/p/100%.png',
    'g/p/%2F%zz',
    'snapshot?comp=block&restype=container',
  ];
  for (const name of names) await put(name);
  // The service takes backslashes for slashes.
  await put(String.raw`g\p\back.jpg`);
  names.push('g/p/back.jpg');
  await fence();
  const prefix = `${subjectPrefix}enroll/blobs/`;
  const events = receiver.received
    .map(({ event }) => ({
      name: event.subject.slice(prefix.length),
      path: decodeURIComponent(new URL(event.data['url'] ?? '').pathname),
    }))
    .filter(({ name }) => !name.startsWith('fence-'));
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
  expect(events.toSorted(byName)).toEqual(
    names.map((name) => ({ name, path: `/devstoreaccount1/enroll/${name}` })).toSorted(byName),
  );
});

test('a name that a URL parser would fold keeps its segments in the URL', () => {
  for (const name of ['g/../p/./1.jpg', './a', 'a/..']) {
    const { pathname } = new URL(`http://127.0.0.1/account/enroll/${encodeBlobName(name)}`);
    expect(decodeURIComponent(pathname)).toBe(`/account/enroll/${name}`);
  }
});

test('a request whose path is no URL harms nobody', async () => {
  subscribe();
  const answered = new Promise<number | undefined>((resolve, reject) => {
    const { blob } = storage.ready.ports;
    const path = '/devstoreaccount1/enroll/%zz?comp=metadata';
    httpRequest({ port: blob, host: '127.0.0.1', method: 'PUT', path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
  expect(await answered).toBeGreaterThanOrEqual(400);
  await put('after');
  expect(await fence()).toEqual(['PutBlob after']);
});

test('events wait for a host that refuses them, oldest first, and none is sent twice', async () => {
  receiver.state.status = 503;
  subscribe();
  const names = Array.from({ length: 40 }, (_, index) => `late-${String(index).padStart(2, '0')}`);
  for (const name of names) await put(name);
  // A host that is down is not flooded: what was on its way fails together, then one event is tried at a time.
  const refusals = (count: number) =>
    eventually('refusals', () => receiver.state.concurrent === 0 && receiver.state.refused >= count);
  await refusals(1);
  await refusals(receiver.state.refused + 1);
  receiver.state.mostConcurrent = 0;
  await refusals(receiver.state.refused + 2);
  expect(receiver.state.mostConcurrent).toBe(1);
  receiver.state.status = 202;
  // One that was refused often waits longest.
  await eventually('all events', () => receiver.received.length >= names.length);
  expect((await fence()).toSorted()).toEqual(names.map((name) => `PutBlob ${name}`));
});

test('events wait for a host that is not there, and are sent at once when another one subscribes', async () => {
  subscribe();
  await receiver.down();
  for (let index = 0; index < 5; index += 1) await put(`late-${index}`);
  const other = await startReceiver();
  subscribe(other.url);
  expect((await fence(other)).toSorted()).toEqual(
    Array.from({ length: 5 }, (_, index) => `PutBlob late-${index}`),
  );
  await other.close();
  expect(receiver.seen()).toEqual([]);
});

test('at most 16 events are on their way', async () => {
  const release = Promise.withResolvers<void>();
  receiver.state.hold = release.promise;
  for (let index = 0; index < 40; index += 1) await put(`many-${index}`);
  subscribe();
  await eventually('16 events', () => receiver.state.concurrent === 16);
  release.resolve();
  await eventually('all events', () => receiver.received.length === 40);
  expect(receiver.state.mostConcurrent).toBe(16);
});

test('what happened unseen is found at the next start, and nothing is announced twice', async () => {
  subscribe();
  for (const name of ['known', 'dropped', 'replaced']) await put(name);
  await fence();
  await restart();
  // Nobody has subscribed yet: the eventGrid sees nothing of this.
  await put('new');
  await put('replaced');
  await container.getBlockBlobClient('dropped').delete();
  receiver.received.length = 0;
  subscribe();
  expect((await fence()).toSorted()).toEqual(['DeleteBlob dropped', 'PutBlob new', 'PutBlob replaced']);
});

test('an event that waits over a new start is sent once', async () => {
  receiver.state.status = 503;
  subscribe();
  await put('waiting');
  await eventually('a refusal', () => receiver.state.refused > 0);
  await restart();
  receiver.state.status = 202;
  subscribe();
  expect(await fence()).toEqual(['PutBlob waiting']);
});

test('blobs that go with their container or in a batch are announced as deleted', async () => {
  subscribe();
  const names = ['a', 'b', 'c'];
  for (const name of names) await put(name);
  const deleted = names.slice(0, 2).map((name) => container.getBlobClient(name));
  await fence();
  await service.getBlobBatchClient().deleteBlobs(deleted);
  await eventually(
    'both deletions',
    () => receiver.seen().filter((seen) => seen.startsWith('Delete')).length === 2,
  );
  expect(receiver.seen()).toEqual(expect.arrayContaining(['DeleteBlob a', 'DeleteBlob b']));
  await container.delete();
  await eventually('the last deletion', () => receiver.seen().includes('DeleteBlob c'));
});

test('a message replaces the subscriptions before it; one that is not understood changes nothing', async () => {
  subscribe();
  await put('one');
  await fence();
  storage.tell?.({ type: 'subscribe', hostUrl: 'nowhere', subscriptions: [] });
  await put('two');
  await fence();
  subscribe(receiver.url, 'created');
  await container.getBlockBlobClient('one').delete();
  expect(await fence()).toEqual(['PutBlob one', 'PutBlob two']);
});
