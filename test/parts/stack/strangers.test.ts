import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { QueueServiceClient } from '@azure/storage-queue';
import { BlobServiceClient } from '@azure/storage-blob';
import { TableServiceClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStorage, type StorageReady } from '../../../emulators/storage/storage.ts';
import type { RunningEmulator } from '../../../emulators/common/childProcess.ts';
import { refuseStrangers, type Strangers } from '../../../emulators/common/strangers.ts';
import { sendRaw } from '../../helpers/rawHttp.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { createFakeVision } from '../face/fakeVision.ts';
import { startTestFace, type TestFace } from '../face/harness.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let storage: RunningEmulator<StorageReady>;
let face: TestFace;
beforeAll(async () => {
  folder = await temporaryFolder();
  storage = await startStorage({ dataDir: join(folder.path, 'one'), containers: ['enroll'] });
  face = await startTestFace({ vision: createFakeVision() });
});
afterAll(async () => {
  await face.close();
  await storage.close();
  await folder.remove();
});

const ask = async (origin: string, ...headers: string[]) => {
  const lines = ['GET / HTTP/1.1', ...headers, 'connection: close'].join('\r\n');
  const { status, body } = await sendRaw(origin, `${lines}\r\n\r\n`);
  return { status, problem: /^\{.*\}$/s.test(body) ? (JSON.parse(body) as { status?: number }) : undefined };
};

async function serverFor(strangers: Strangers) {
  const heard: (string | undefined)[] = [];
  const take: RequestListener = (request, response) => {
    heard.push(request.headers.host);
    response.end();
  };
  const server = createServer(take);
  refuseStrangers(server, strangers);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, heard, close: () => server.close() };
}

test('a server hears requests by its own names and those that it was given, on any port', async () => {
  const server = await serverFor({ allowHosts: ['Box.lan'] });
  const names = ['127.0.0.1', 'localhost:1', '[::1]:7071', 'BOX.lan', 'box.lan:80'];
  for (const name of names) expect((await ask(server.origin, `host: ${name}`)).status, name).toBe(200);
  expect(server.heard).toEqual(names);
  for (const name of ['evil.example', 'box.lan.evil.example', 'xbox.lan', '[::2]', '127.1', '']) {
    expect(await ask(server.origin, `host: ${name}`), name).toMatchObject({
      status: 421,
      problem: { type: 'about:blank', status: 421 },
    });
  }
  expect(server.heard).toHaveLength(names.length);
  server.close();
});

test('pages of other sites are refused where they could do something without a key', async () => {
  const headers = ['host: localhost', 'origin: https://evil.example'];
  for (const [allowSites, status] of [
    [[], 403],
    [['https://other.example'], 403],
    [['https://evil.example'], 200],
    [['*'], 200],
    [undefined, 200],
  ] as const) {
    const server = await serverFor({ ...(allowSites && { allowSites }) });
    expect((await ask(server.origin, ...headers)).status).toBe(status);
    server.close();
  }
});

test.each(['blob', 'queue', 'table', 'face'] as const)(
  'the %s service is called by the names of this machine only',
  async (service) => {
    const port = service === 'face' ? face.ready.port : storage.ready.ports[service];
    const origin = `http://127.0.0.1:${port}`;
    expect((await ask(origin, 'host: evil.example')).problem).toMatchObject({ status: 421 });
    expect((await ask(origin, 'host: localhost')).problem?.status).not.toBe(421);
  },
);

test('each data folder has a storage key of its own, which it keeps, and no other is taken', async () => {
  const keyOf = (text: string): string => /AccountKey=([^;]+)/.exec(text)?.[1] ?? '';
  const { connectionString } = storage.ready;
  const another = { dataDir: join(folder.path, 'two'), containers: ['enroll'] };
  let second = await startStorage(another);
  const key = keyOf(second.ready.connectionString);
  await second.close();
  second = await startStorage(another);
  expect(keyOf(second.ready.connectionString)).toBe(key);
  await second.close();
  expect(Buffer.from(key, 'base64')).toHaveLength(64);
  const known = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
  const listsOf = (text: string): (() => Promise<unknown>)[] => {
    const retries = { retryOptions: { maxTries: 1 } };
    const tables = TableServiceClient.fromConnectionString(text, { allowInsecureConnection: true });
    return [
      () => BlobServiceClient.fromConnectionString(text, retries).listContainers().next(),
      () => QueueServiceClient.fromConnectionString(text, retries).listQueues().next(),
      () => tables.listTables().next(),
    ];
  };
  for (const list of listsOf(connectionString)) await list();
  for (const wrong of [key, known]) {
    for (const list of listsOf(connectionString.replace(keyOf(connectionString), wrong)))
      await expect(list()).rejects.toMatchObject({ statusCode: 403 });
  }
});
