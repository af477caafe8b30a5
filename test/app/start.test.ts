import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startStack, type Endpoints } from '../../infra/local/stack.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectOwnerOnly } from '../helpers/ownerOnly.ts';
import { hasSignals } from '../helpers/signals.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(() => folder.remove());

const options = { faceTps: 'none' as const, output: () => undefined };

test('npm start stays, tells where everything is, and ends with all its parts on Ctrl-C', async () => {
  const stack = spawn(process.execPath, ['cli/main.ts', 'start', '--port', '0', '--data', folder.path], {
    stdio: 'ignore',
  });
  const file = join(folder.path, 'endpoints.json');
  const endpoints = await eventually(
    'endpoints.json',
    async () => JSON.parse(await readFile(file, 'utf8')) as Endpoints,
  );
  expect(Object.keys(endpoints).toSorted()).toEqual([
    'face',
    'faceKey',
    'http',
    'serviceBusConnectionString',
    'storageConnectionString',
  ]);
  expectOwnerOnly(file);
  expect((await fetch(`${endpoints.http}/api/health`)).status).toBe(200);
  stack.kill('SIGINT');
  const [code] = (await once(stack, 'exit')) as [number];
  if (hasSignals) {
    expect(code).toBe(0);
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
  }
  await expect(fetch(`${endpoints.http}/api/health`)).rejects.toThrow();
  await expect(fetch(`${endpoints.face}/health`)).rejects.toThrow();
});

test('when the stack itself is killed, no part outlives it', async () => {
  const stack = spawn(process.execPath, ['cli/main.ts', 'start', '--port', '0', '--data', folder.path], {
    stdio: 'ignore',
  });
  const file = join(folder.path, 'endpoints.json');
  const { http, face } = await eventually(
    'endpoints.json',
    async () => JSON.parse(await readFile(file, 'utf8')) as Endpoints,
  );
  stack.kill('SIGKILL');
  await once(stack, 'exit');
  for (const address of [`${http}/api/health`, `${face}/health`]) {
    await eventually(`${address} is gone`, () =>
      fetch(address).then(
        () => false,
        () => true,
      ),
    );
  }
});

test('a port that is in use is named, with the part that wanted it', async () => {
  const server = createServer();
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const { port } = server.address() as AddressInfo;
  await expect(startStack({ ...options, port, dataDir: folder.path })).rejects.toThrow(
    `functions-host could not start: port ${port} is in use by another program`,
  );
  server.close();
});

test('a folder on which another stack runs is left alone', async () => {
  const stack = await startStack({ ...options, port: 0, dataDir: folder.path });
  await expect(startStack({ ...options, port: 0, dataDir: folder.path })).rejects.toThrow(
    'another stack runs on',
  );
  expect((await fetch(`${stack.endpoints.http}/api/health`)).status).toBe(200);
  await stack.stop();
});

test('after a kill the next stack starts at once, on the same port and data', async () => {
  const start = async (port: number): Promise<ReturnType<typeof spawn>> => {
    await rm(join(folder.path, 'endpoints.json'), { force: true });
    return spawn(process.execPath, ['cli/main.ts', 'start', '--port', String(port), '--data', folder.path], {
      stdio: 'ignore',
    });
  };
  const file = join(folder.path, 'endpoints.json');
  const ready = () =>
    eventually('endpoints.json', async () => JSON.parse(await readFile(file, 'utf8')) as Endpoints);
  const first = await start(0);
  const { http } = await ready();
  const killed = once(first, 'exit');
  first.kill('SIGKILL');
  await killed;
  const second = await start(Number(new URL(http).port));
  expect((await ready()).http).toBe(http);
  second.kill('SIGTERM');
  await once(second, 'exit');
});
