import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStack, type Endpoints } from '../../infra/local/stack.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectOwnerOnly } from '../helpers/ownerOnly.ts';
import { hasSignals } from '../helpers/signals.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/* The story of one data folder, as `npm start` tells it: each test goes on where the one before it stopped. */

const run = promisify(execFile);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let stack: ChildProcess;
let endpoints: Endpoints;

const endpointsFile = () => join(folder.path, 'endpoints.json');

/** Runs `npm start` on the folder until it has written its endpoints anew. */
async function npmStart(port: number): Promise<void> {
  const before = await modified();
  stack = spawn(process.execPath, ['cli/main.ts', 'start', '--port', String(port), '--data', folder.path], {
    stdio: 'ignore',
  });
  await eventually('endpoints.json', async () => {
    const now = await modified();
    return now !== undefined && now !== before;
  });
  endpoints = JSON.parse(await readFile(endpointsFile(), 'utf8')) as Endpoints;
}

async function modified(): Promise<number | undefined> {
  return stat(endpointsFile()).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
}

function isGone(address: string): Promise<boolean> {
  return fetch(address).then(
    () => false,
    () => true,
  );
}

beforeAll(async () => {
  folder = await temporaryFolder();
});

afterAll(async () => {
  stack.kill('SIGKILL');
  await folder.remove();
});

test('npm start stays and tells where everything is, to its owner only', async () => {
  await npmStart(0);
  expect(Object.keys(endpoints).toSorted()).toEqual([
    'face',
    'faceKey',
    'http',
    'serviceBusConnectionString',
    'storageConnectionString',
  ]);
  expectOwnerOnly(endpointsFile());
  expect((await fetch(`${endpoints.http}/api/health`)).status).toBe(200);
});

test('a folder on which another stack runs is left alone', async () => {
  const second = startStack({ port: 0, dataDir: folder.path, faceTps: 'none', output: () => undefined });
  await expect(second).rejects.toThrow('another stack runs on');
  expect((await fetch(`${endpoints.http}/api/health`)).status).toBe(200);
});

test.skipIf(process.platform === 'win32')(
  'no key stands on a command line, which every user can read',
  async () => {
    const { stdout } = await run('ps', ['-ww', '-o', 'ppid=,args=', '-A']);
    const children = stdout.split('\n').filter((line) => line.trim().startsWith(`${stack.pid} `));
    const { faceKey, storageConnectionString, serviceBusConnectionString } = endpoints;
    // Its four parts, and the compiler that has built the app.
    expect(children.filter((line) => line.endsWith('main.ts'))).toHaveLength(4);
    const busKey = /SharedAccessKey=([^;]+)/.exec(serviceBusConnectionString)?.[1] ?? '';
    const storageKey = /AccountKey=([^;]+)/.exec(storageConnectionString)?.[1] ?? '';
    for (const key of [faceKey, busKey, storageKey]) {
      expect(key.length).toBeGreaterThan(20);
      expect(children.join('\n')).not.toContain(key);
    }
  },
);

test('when the stack itself is killed, no part outlives it', async () => {
  const ended = once(stack, 'exit');
  stack.kill('SIGKILL');
  await ended;
  for (const address of [`${endpoints.http}/api/health`, `${endpoints.face}/health`])
    await eventually(`${address} is gone`, () => isGone(address));
});

test('a build that fails ends the start, and leaves the folder to the next', async () => {
  const build = () => Promise.reject(new Error('the app cannot be built'));
  const start = startStack({
    port: 0,
    dataDir: folder.path,
    faceTps: 'none',
    output: () => undefined,
    build,
  });
  await expect(start).rejects.toThrow('the app cannot be built');
});

test('a port that is in use is named, with the part that wanted it', async () => {
  const server = createServer();
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const { port } = server.address() as AddressInfo;
  const start = startStack({ port, dataDir: folder.path, faceTps: 'none', output: () => undefined });
  await expect(start).rejects.toThrow(
    `functions-host could not start: port ${port} is in use by another program`,
  );
  await new Promise((done) => {
    server.close(done);
  });
});

test('the next stack starts on the same port and data, and ends with all its parts on Ctrl-C', async () => {
  const { http } = endpoints;
  await npmStart(Number(new URL(http).port));
  expect(endpoints.http).toBe(http);
  const ended = once(stack, 'exit');
  stack.kill('SIGINT');
  const [code] = (await ended) as [number];
  if (hasSignals) {
    expect(code).toBe(0);
    expect(await modified()).toBeUndefined();
  }
  expect(await isGone(`${endpoints.http}/api/health`)).toBe(true);
  expect(await isGone(`${endpoints.face}/health`)).toBe(true);
});
