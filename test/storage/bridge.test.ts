import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startStorage, type StorageReady } from '../../infra/local/storage/storage.ts';
import type { RunningPart } from '../../infra/local/part.ts';
import { eventually } from '../helpers/eventually.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

type Received = { path: string; type: string; subject: string; api: string; url: string };

/** Stands in for the Functions host: takes events, or refuses them while it is down. */
async function startReceiver() {
  const events: Received[] = [];
  const state = { down: false };
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(state.down ? 503 : 202).end();
      if (state.down) return;
      for (const event of JSON.parse(Buffer.concat(chunks).toString('utf8'))) {
        const { api, url } = event.data;
        events.push({ path: request.url ?? '', type: event.eventType, subject: event.subject, api, url });
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { events, state, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let storage: RunningPart<StorageReady>;
let container: ContainerClient;

function subscribe(): void {
  storage.tell?.({
    type: 'subscribe',
    hostUrl: receiver.url,
    subscriptions: [
      { container: 'enroll', event: 'created', function: 'take', maxContentLength: 1_000 },
      { container: 'enroll', event: 'deleted', function: 'drop' },
    ],
  });
}

async function start(): Promise<void> {
  storage = await startStorage({ dataDir: folder.path, containers: ['enroll', 'other'] });
  container = BlobServiceClient.fromConnectionString(storage.ready.connectionString).getContainerClient(
    'enroll',
  );
}

/** A last upload whose event shows that all before it have been announced. */
async function fence(): Promise<Received[]> {
  const name = `fence-${receiver.events.length}`;
  await container.getBlockBlobClient(name).upload('x', 1);
  await eventually('the last event', () => receiver.events.some(({ subject }) => subject.endsWith(name)));
  return receiver.events.filter(({ subject }) => !subject.includes('fence'));
}

beforeEach(async () => {
  folder = await temporaryFolder();
  receiver = await startReceiver();
  await start();
});

afterEach(async () => {
  await storage.close();
  await new Promise((resolve) => {
    receiver.server.close(resolve);
  });
  await folder.remove();
});

test('each kind of upload is one event, a deletion another, and nothing else is any', async () => {
  subscribe();
  await fence();
  const blob = container.getBlockBlobClient('a/put.jpg');
  await blob.upload('one', 3);
  await blob.setMetadata({ k: 'v' });
  await blob.setHTTPHeaders({ blobContentType: 'image/jpeg' });
  await blob.createSnapshot();
  const staged = container.getBlockBlobClient('a/staged.jpg');
  await staged.stageBlock(Buffer.from('b1').toString('base64'), 'x', 1);
  await staged.commitBlockList([Buffer.from('b1').toString('base64')]);
  await container
    .getBlockBlobClient('a/copy.jpg')
    .syncCopyFromURL(blob.url)
    .catch(() => undefined);
  await blob.upload('no', 2, { conditions: { ifNoneMatch: '*' } }).catch(() => undefined);
  await blob.delete({ deleteSnapshots: 'include' });
  await container.getBlockBlobClient('big').upload('x'.repeat(1_001), 1_001);
  const events = await fence();
  const of = (name: string) => events.filter(({ subject }) => subject.endsWith(name)).map(({ api }) => api);
  expect(of('a/put.jpg').toSorted()).toEqual(['DeleteBlob', 'PutBlob']);
  expect(of('a/staged.jpg')).toEqual(['PutBlockList']);
  expect(of('big')).toEqual([]);
  expect(events.find(({ api }) => api === 'DeleteBlob')).toMatchObject({
    path: '/runtime/webhooks/EventGrid?functionName=drop',
    type: 'Microsoft.Storage.BlobDeleted',
  });
  expect(events.find(({ api }) => api === 'PutBlob')).toMatchObject({
    path: '/runtime/webhooks/blobs?functionName=Host.Functions.take',
    type: 'Microsoft.Storage.BlobCreated',
    subject: '/blobServices/default/containers/enroll/blobs/a/put.jpg',
  });
});

test('names with every odd character arrive as they are', async () => {
  subscribe();
  await fence();
  const names = [
    'g/Zoë O’Neil/ü ß%20+&=#?;,$@!~*()[]{}|^`"<>.jpg',
    'g/山田/写真 1.jpg',
    'g/a//b',
    'g/p/100%.png',
  ];
  for (const name of names) await container.getBlockBlobClient(name).upload('x', 1);
  const events = await fence();
  const prefix = '/blobServices/default/containers/enroll/blobs/';
  expect(events.map(({ subject }) => subject.slice(prefix.length)).toSorted()).toEqual(names.toSorted());
});

test('events wait for a host that is down', async () => {
  subscribe();
  await fence();
  receiver.state.down = true;
  await container.getBlockBlobClient('late').upload('x', 1);
  receiver.state.down = false;
  await eventually('the event', () => receiver.events.some(({ subject }) => subject.endsWith('late')));
});

test('what happened unseen is found at the next start, and nothing is announced twice', async () => {
  subscribe();
  await container.getBlockBlobClient('known').upload('x', 1);
  await container.getBlockBlobClient('dropped').upload('x', 1);
  await fence();
  await storage.close();
  await start();
  // Nobody has subscribed yet: the bridge sees nothing of this.
  await container.getBlockBlobClient('new').upload('x', 1);
  await container.getBlockBlobClient('dropped').delete();
  receiver.events.length = 0;
  subscribe();
  const events = await fence();
  expect(events.map(({ api, subject }) => `${api} ${subject.split('/').at(-1)}`).toSorted()).toEqual([
    'DeleteBlob dropped',
    'PutBlob new',
  ]);
});
