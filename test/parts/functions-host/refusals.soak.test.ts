import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FunctionsHostReady } from '../../../emulators/functions-host/host.ts';
import { createHttpServer } from '../../../emulators/functions-host/httpServer.ts';
import { startStorage } from '../../../emulators/storage/storage.ts';
import { startEmulatorProcess } from '../../helpers/emulatorProcess.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

/* Each is a process that loads the host to end with a sentence; one of them is started beside this in every test. */

const noStorage = 'UseDevelopmentStorage=true';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const start = (app: string, { port = 0, storage = noStorage } = {}) =>
  startEmulatorProcess<FunctionsHostReady>('functions-host', {
    keyFile: join(folder.path, 'keys.json'),
    appDir: resolve('test/parts/functions-host/apps', app),
    port,
    env: {
      SEEN_FILE: '/dev/null',
      BUS: 'Endpoint=sb://127.0.0.1:9;SharedAccessKeyName=a;SharedAccessKey=YQ==;UseDevelopmentEmulator=true',
      STORAGE: storage,
      AzureWebJobsStorage: storage,
    },
  });

test.each([
  ['empty', /no file matches main of package\.json/],
  ['many', /cardinality many/],
])('an app that cannot be run is refused with its reason: %s', async (app, reason) => {
  await expect(start(app)).rejects.toThrow(reason);
});

test('a port that is in use is named', async () => {
  const storage = await startStorage({ dataDir: folder.path, containers: ['drop'] });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { connectionString } = storage.ready;
  await expect(start('good', { port, storage: connectionString })).rejects.toThrow(`port ${port} is in use`);
  server.close();
  await storage.close();
});

test('a body over 100 MB is refused with an answer that its caller can read', async () => {
  const server = createHttpServer();
  server.post('/', () => 'taken');
  const origin = await server.listen({ host: '127.0.0.1', port: 0 });
  const body = new Uint8Array(100 * 1024 * 1024 + 1);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < body.length; sent += 1024 * 1024) yield body.subarray(sent, sent + 1024 * 1024);
  }
  for (const init of [{ body }, { body: ReadableStream.from(chunks()), duplex: 'half' as const }]) {
    const answer = await fetch(origin, { method: 'POST', ...init });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ status: 413, code: 'body_too_large' });
  }
  await server.close();
});
