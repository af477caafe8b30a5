import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FunctionsHostReady } from '../../../emulators/functions-host/host.ts';
import type { HostKeys } from '../../../emulators/functions-host/keys.ts';
import { toUrls } from '../../../emulators/functions-host/httpTrigger.ts';
import { startServiceBus, type ServiceBusReady } from '../../../emulators/service-bus/broker.ts';
import { startStorage, type StorageReady } from '../../../emulators/storage/storage.ts';
import type { RunningEmulator } from '../../../emulators/common/childProcess.ts';
import { eventually } from '../../helpers/eventually.ts';
import { startEmulatorProcess, type EmulatorProcess } from '../../helpers/emulatorProcess.ts';
import { sendRaw } from '../../helpers/rawHttp.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let storage: RunningEmulator<StorageReady>;
let bus: RunningEmulator<ServiceBusReady>;
let host: EmulatorProcess<FunctionsHostReady>;
let client: ServiceBusClient;
let keys: HostKeys;

const apps = resolve('test/parts/functions-host/apps');
const queue = { lockDurationSeconds: 30, maxDeliveryCount: 3 };

beforeAll(async () => {
  folder = await temporaryFolder();
  storage = await startStorage({ dataDir: join(folder.path, 'storage'), containers: ['drop'] });
  bus = await startServiceBus({
    dataDir: join(folder.path, 'bus'),
    port: 0,
    queues: [
      { ...queue, name: 'plain', requiresSession: false },
      { ...queue, name: 'sessions', requiresSession: true },
    ],
  });
  client = new ServiceBusClient(bus.ready.connectionString);
  host = await start('good');
  keys = JSON.parse(await readFile(join(folder.path, 'keys.json'), 'utf8')) as HostKeys;
});

afterAll(async () => {
  await host.stop();
  await client.close();
  await bus.close();
  await storage.close();
  await folder.remove();
});

function start(app: string, options: object = {}): Promise<EmulatorProcess<FunctionsHostReady>> {
  return startEmulatorProcess('functions-host', {
    appDir: join(apps, app),
    keyFile: join(folder.path, 'keys.json'),
    port: 0,
    env: envOf(),
    ...options,
  });
}

function envOf(): Record<string, string> {
  return {
    SEEN_FILE: join(folder.path, 'seen'),
    BUS: bus.ready.connectionString,
    STORAGE: storage.ready.connectionString,
    AzureWebJobsStorage: storage.ready.connectionString,
  };
}

async function seen<Value>(what: string): Promise<Value[]> {
  const text = await readFile(join(folder.path, 'seen'), 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line !== '');
  const all = lines.map((line) => JSON.parse(line) as { what: string; value: Value });
  return all.filter((line) => line.what === what).map(({ value }) => value);
}

const url = (path: string) => `${host.ready.url}${path}`;

function announce(functionName: string, path: string, blob: string, type = 'Microsoft.Storage.BlobCreated') {
  return fetch(url(`/runtime/webhooks/${path}?functionName=${functionName}`), {
    method: 'POST',
    headers: { 'aeg-event-type': 'Notification', 'x-functions-key': keys.master },
    body: JSON.stringify([
      { eventType: type, subject: `/blobServices/default/containers/drop/blobs/${blob}`, data: {} },
    ]),
  });
}

test('it lists what the app registers', () => {
  expect(host.ready.functions).toContainEqual({ name: 'blob', type: 'blobTrigger' });
  expect(host.ready.functions).toHaveLength(8);
});

test('HTTP: routes, parameters, queries, bodies and answers', async () => {
  const answer = await fetch(url('/api/things/a%20b/parts/x/y%20z?one=1&two=2&two=3'), {
    method: 'POST',
    headers: { 'x-thing': 'yes' },
    body: 'hello',
  });
  expect(answer.status).toBe(201);
  expect(await answer.json()).toEqual({
    params: { name: 'a b', rest: 'x/y z' },
    query: { one: '1', two: '2,3' },
    body: 'hello',
    header: 'yes',
  });
  expect(await (await fetch(url('/api/things/special'))).text()).toBe('literal');
  expect((await fetch(url('/api/unknown'))).status).toBe(404);
  expect((await fetch(url('/api/fails'))).status).toBe(500);
});

test('web pages of the origins that are set may call functions, and nothing else', async () => {
  const origin = 'https://page.example';
  const keyFile = join(folder.path, 'keys-of-pages.json');
  const open = await start('good', {
    keyFile,
    auth: true,
    env: { ...envOf(), CORS_ORIGINS: `${origin}, https://other.example/` },
  });
  const ask = (path: string, from: string) =>
    fetch(`${open.ready.url}${path}`, { headers: { origin: from } });
  const preflight = (path: string, from: string) =>
    fetch(`${open.ready.url}${path}`, {
      method: 'OPTIONS',
      headers: { origin: from, 'access-control-request-method': 'POST' },
    });
  const allowed = await preflight('/api/things/special', origin);
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get('access-control-allow-origin')).toBe(origin);
  expect(allowed.headers.get('access-control-allow-methods')).toBe('POST');
  // The page may read why it was refused.
  const keyless = await ask('/api/things/special', 'https://other.example');
  expect(keyless.status).toBe(401);
  expect(keyless.headers.get('access-control-allow-origin')).toBe('https://other.example');
  for (const [path, from] of [
    ['/api/things/special', 'https://evil.example'],
    ['/admin/host/status', origin],
    ['/runtime/webhooks/blobs', origin],
  ] as const)
    expect((await preflight(path, from)).headers.get('access-control-allow-origin')).toBeNull();
  await open.stop();
});

test('route templates become routes', () => {
  expect(toUrls('/api/a/{b}/{*rest}')).toEqual(['/api/a/:b', '/api/a/:b/*']);
  expect(toUrls('/api/a/{b?}')).toEqual(['/api/a', '/api/a/:b']);
});

async function statusAt(address: string, key?: string, method = 'GET'): Promise<number> {
  const headers: Record<string, string> = key === undefined ? {} : { 'x-functions-key': key };
  return (await fetch(address, { method, headers })).status;
}

test('with auth, functions ask for their keys as in Azure', async () => {
  const locked = await start('good', { auth: true, allowHosts: ['Box.lan'] });
  const at = (path: string, key?: string, method = 'GET') =>
    statusAt(`${locked.ready.url}${path}`, key, method);
  const { functions, master, blobs_extension: blobs } = keys;
  expect(await at('/api/things/special')).toBe(401);
  expect(await at('/api/things/special', 'wrong')).toBe(401);
  expect(await at('/api/things/special', blobs)).toBe(401);
  expect(await at('/api/things/special', functions)).toBe(200);
  expect(await at('/api/things/special', master)).toBe(200);
  expect(await at(`/api/things/special?code=${functions}`)).toBe(200);
  expect(await at('/api/things/a/parts/b', undefined, 'POST')).toBe(201);
  const byName = 'GET /api/things/special HTTP/1.1\r\nhost: box.lan:80\r\norigin: http://box.lan\r\n\r\n';
  expect((await sendRaw(locked.ready.url, byName)).status).toBe(401);
  await locked.stop();
});

test('webhooks and the administration ask for their keys, also where functions do not', async () => {
  const at = (path: string, key?: string, method = 'GET') => statusAt(url(path), key, method);
  const { functions, master, blobs_extension: blobs, eventgrid_extension: events } = keys;
  expect(await at('/api/things/special')).toBe(200);
  for (const key of [undefined, functions, blobs, events]) {
    expect(await at('/admin/host/status', key)).toBe(401);
    expect(await at('/admin/functions/timer', key, 'POST')).toBe(401);
  }
  expect(await at('/admin/host/status', master)).toBe(200);
  const webhooks = { '/runtime/webhooks/blobs': blobs, '/runtime/webhooks/EventGrid': events };
  for (const [path, right] of Object.entries(webhooks)) {
    for (const key of [undefined, functions, right === blobs ? events : blobs])
      expect(await at(path, key, 'POST')).toBe(401);
    for (const key of [right, master]) expect(await at(path, key, 'POST')).toBe(404);
  }
});

test('a request by another host name, and one of a page of another site, is refused as a problem', async () => {
  const ask = async (...headers: string[]) => {
    const head = ['GET /api/things/special HTTP/1.1', ...headers, 'connection: close'].join('\r\n');
    const { status, body } = await sendRaw(host.ready.url, `${head}\r\n\r\n`);
    if (status !== 200) expect(JSON.parse(body)).toMatchObject({ type: 'about:blank', status });
    return status;
  };
  for (const name of ['127.0.0.1', 'LOCALHOST', '[::1]', 'localhost:1'])
    expect(await ask(`host: ${name}`), name).toBe(200);
  for (const name of [
    'evil.example',
    'evil.example:7071',
    '127.0.0.1.evil.example',
    '',
    '127.0.0.2',
    '[::2]',
  ])
    expect(await ask(`host: ${name}`), name).toBe(421);
  for (const headers of [
    ['origin: https://evil.example'],
    ['origin: null'],
    ['origin: http://localhost.evil.example'],
    ['sec-fetch-site: cross-site'],
  ])
    expect(await ask('host: localhost', ...headers), headers.join()).toBe(403);
  for (const headers of [
    ['origin: http://localhost:7071', 'sec-fetch-site: same-origin'],
    ['origin: http://127.0.0.1:3000', 'sec-fetch-site: same-site'],
    ['sec-fetch-site: none'],
  ])
    expect(await ask('host: localhost', ...headers), headers.join()).toBe(200);
});

test('webhooks and the administration refuse what is no JSON', async () => {
  for (const path of [
    '/runtime/webhooks/blobs?functionName=Host.Functions.blob',
    '/runtime/webhooks/EventGrid?functionName=event',
    '/admin/functions/timer',
  ]) {
    const headers = { 'x-functions-key': keys.master };
    expect((await fetch(url(path), { method: 'POST', headers, body: '{"input"' })).status).toBe(400);
  }
});

test('what no function is asked about is refused as a problem', async () => {
  const undecodable = await sendRaw(
    host.ready.url,
    'GET /api/%zz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
  );
  expect(undecodable.status).toBe(400);
  expect(JSON.parse(undecodable.body)).toEqual({
    type: 'about:blank',
    title: 'Bad Request',
    status: 400,
    code: 'bad_request',
  });
  for (const path of ['/', '/nothing/here', '/api/unknown']) {
    const unknown = await fetch(url(path));
    expect(unknown.headers.get('content-type')).toContain('application/problem+json');
    expect(await unknown.json()).toMatchObject({ status: 404, code: 'route_not_found' });
  }
  const long = `GET /api/things HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`;
  const overflow = await sendRaw(host.ready.url, long);
  expect(overflow.status).toBe(431);
  expect(JSON.parse(overflow.body)).toMatchObject({ type: 'about:blank', status: 431 });
  const large =
    'POST /api/things/a/parts/b HTTP/1.1\r\nhost: localhost\r\ncontent-length: 104857601\r\nconnection: close\r\n\r\n';
  const refused = await sendRaw(host.ready.url, large);
  expect(refused.status).toBe(413);
  expect(JSON.parse(refused.body)).toMatchObject({ type: 'about:blank', status: 413 });
});

test('Service Bus: a message is handed over with its properties, and completed', async () => {
  await client.createSender('plain').sendMessages({ body: { hello: 1 }, messageId: 'm-1' });
  const [first] = await eventually('the message', async () => {
    const all = await seen<{ message: object; messageId: string; deliveryCount: number }>('plain');
    return all.length > 0 ? all : undefined;
  });
  expect(first).toEqual({ message: { hello: 1 }, messageId: 'm-1', deliveryCount: 1 });
});

test('Service Bus: a function that fails sees its message again, and in the end it is dead-lettered', async () => {
  await client.createSender('plain').sendMessages({ body: { fail: true }, messageId: 'm-2' });
  const deadLetters = client.createReceiver('plain', { subQueueType: 'deadLetter' });
  const [dead] = await deadLetters.receiveMessages(1, { maxWaitTimeInMs: 60_000 });
  expect(dead).toMatchObject({ messageId: 'm-2', deadLetterReason: 'MaxDeliveryCountExceeded' });
  const tries = await seen<{ messageId: string; deliveryCount: number }>('plain');
  const counts = tries
    .filter(({ messageId }) => messageId === 'm-2')
    .map(({ deliveryCount }) => deliveryCount);
  expect(counts).toEqual([1, 2, 3]);
});

test('Service Bus: many sessions of one message each do not wait for each other, and a session keeps its order', async () => {
  const sender = client.createSender('sessions');
  await sender.sendMessages(
    Array.from({ length: 80 }, (_, index) => ({ body: index, sessionId: `s${index}` })),
  );
  await sender.sendMessages(
    Array.from({ length: 20 }, (_, index) => ({ body: index, sessionId: 'ordered' })),
  );
  // More sessions than there are slots, each of which waits for a next message before it takes another session: were
  // that wait the minute of the client, it would not end in time.
  const all = await eventually('every message', async () => {
    const found = await seen<{ message: number; sessionId: string }>('session');
    return found.length >= 100 ? found : undefined;
  });
  expect(all).toHaveLength(100);
  const ordered = all.filter(({ sessionId }) => sessionId === 'ordered').map(({ message }) => message);
  expect(ordered).toEqual(Array.from({ length: 20 }, (_, index) => index));
});

test('blobs: the webhook proves itself, and what it hears of is handed over', async () => {
  const validation = await fetch(url('/runtime/webhooks/blobs?functionName=Host.Functions.blob'), {
    method: 'POST',
    headers: { 'x-functions-key': keys.blobs_extension },
    body: JSON.stringify([
      {
        eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
        subject: '',
        data: { validationCode: 'code' },
      },
    ]),
  });
  expect(await validation.json()).toEqual({ validationResponse: 'code' });
  const container = BlobServiceClient.fromConnectionString(storage.ready.connectionString).getContainerClient(
    'drop',
  );
  const { etag } = await container.getBlockBlobClient('a/123').upload('hello', 5);
  expect((await announce('Host.Functions.blob', 'blobs', 'a/123')).status).toBe(202);
  expect((await announce('Host.Functions.blob', 'blobs', 'never/there')).status).toBe(202);
  const [blob] = await eventually('the blob', async () => {
    const all = await seen<object>('blob');
    return all.length > 0 ? all : undefined;
  });
  expect(blob).toEqual({ text: 'hello', blobTrigger: 'drop/a/123', name: 'a/123', length: 5, etag });
});

test('blobs: what fails as often as the threshold says goes into the poison queue', async () => {
  const container = BlobServiceClient.fromConnectionString(storage.ready.connectionString).getContainerClient(
    'drop',
  );
  await container.getBlockBlobClient('bad').upload('fail', 4);
  await announce('Host.Functions.blob', 'blobs', 'bad');
  const poison = QueueServiceClient.fromConnectionString(storage.ready.connectionString).getQueueClient(
    'webjobs-blobtrigger-poison',
  );
  const message = await eventually('the poison message', async () => {
    const { receivedMessageItems } = await poison.receiveMessages();
    return receivedMessageItems[0];
  });
  expect(JSON.parse(Buffer.from(message.messageText, 'base64').toString('utf8'))).toMatchObject({
    Type: 'BlobTrigger',
    ContainerName: 'drop',
    BlobName: 'bad',
  });
});

test('Event Grid and timers: the answer waits for the function, and a timer can be run by hand', async () => {
  expect((await announce('event', 'EventGrid', 'gone.jpg', 'Microsoft.Storage.BlobDeleted')).status).toBe(
    202,
  );
  expect(await seen('event')).toEqual(['/blobServices/default/containers/drop/blobs/gone.jpg']);
  const run = await fetch(url('/admin/functions/timer'), {
    method: 'POST',
    headers: { 'x-functions-key': keys.master },
    body: '{}',
  });
  expect(run.status).toBe(202);
  expect(await seen('timer')).toEqual([false]);
});

test('an app that cannot be run is refused with its reason', async () => {
  await expect(start('throws')).rejects.toThrow(/app\.cjs could not be loaded: a bad setting/);
});
