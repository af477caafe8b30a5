import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startStack, type Endpoints } from '../../infra/local/stack.ts';
import { eventually } from '../helpers/eventually.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = promisify(execFile);

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
  expect((await stat(file)).mode & 0o077).toBe(0);
  expect((await fetch(`${endpoints.http}/api/health`)).status).toBe(200);
  stack.kill('SIGINT');
  const [code] = (await once(stack, 'exit')) as [number];
  expect(code).toBe(0);
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
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

test.skipIf(process.platform === 'win32')(
  'no key stands on a command line, which every user can read',
  async () => {
    const stack = await startStack({ ...options, port: 0, dataDir: folder.path });
    const pids = Object.values(stack.processes());
    const { stdout } = await run('ps', ['-ww', '-o', 'args=', '-p', pids.join(',')]);
    const { faceKey, storageConnectionString, serviceBusConnectionString } = stack.endpoints;
    await stack.stop();
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(pids.length);
    for (const line of lines) expect(line).toMatch(/main\.ts$/);
    const busKey = /SharedAccessKey=([^;]+)/.exec(serviceBusConnectionString)?.[1] ?? '';
    const storageKey = /AccountKey=([^;]+)/.exec(storageConnectionString)?.[1] ?? '';
    for (const key of [faceKey, busKey, storageKey]) {
      expect(key.length).toBeGreaterThan(20);
      expect(stdout).not.toContain(key);
    }
  },
);

test('a build that fails ends the start, and leaves the folder to the next', async () => {
  const build = () => Promise.reject(new Error('the app cannot be built'));
  await expect(startStack({ ...options, build, port: 0, dataDir: folder.path })).rejects.toThrow(
    'the app cannot be built',
  );
  const stack = await startStack({ ...options, port: 0, dataDir: folder.path });
  await stack.stop();
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
