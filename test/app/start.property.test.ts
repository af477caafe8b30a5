import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockFolder, readFolderState } from '../../emulators/common/folderLock.ts';
import { startStack, type Endpoints } from '../../emulators/stack/stack.ts';
import { runCli, startCli } from '../helpers/cli.ts';
import { eventually, healthy } from '../helpers/eventually.ts';
import { expectOwnerOnly } from '../helpers/ownerOnly.ts';
import { portrait } from '../helpers/pictures.ts';
import { hasSignals } from '../helpers/signals.ts';
import { isSoak } from '../helpers/size.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/* The story of one data folder, as `npm start` and the commands tell it: each test goes on where the one before ended. */

const run = promisify(execFile);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let dataDir: string;
let endpointsFile: string;
let commands: { status: string[]; redrive: string[]; identify: string[]; enroll: string[] };
let stack: ReturnType<typeof startCli>;
let endpoints: Endpoints;

beforeAll(async () => {
  folder = await temporaryFolder();
  dataDir = join(folder.path, 'data');
  endpointsFile = join(dataDir, 'endpoints.json');
  const photos = join(folder.path, 'photos');
  const picture = join(photos, 'nicolas', '1.jpg');
  await mkdir(join(photos, 'nicolas'), { recursive: true });
  await writeFile(picture, portrait('cage.jpg'));
  commands = {
    status: ['status'],
    redrive: ['redrive'],
    identify: ['identify', picture, '--group', 'family'],
    enroll: ['enroll', photos, '--group', 'family'],
  };
});

afterAll(async () => {
  stack.child.kill('SIGKILL');
  await stack.ended;
  await folder.remove();
});

const ask = (command: string[]) => runCli([...command, '--data', dataDir]);

/** A command says so, in one line, and fails. */
async function expectToSay(command: string[], text: string): Promise<void> {
  expect(await ask(command)).toEqual({ code: 1, output: `rollcall ${command[0]}: ${text}` });
}

/** Runs `npm start` on the folder until it is ready. */
async function npmStart(port: number): Promise<void> {
  stack = startCli(['start', '--port', String(port), '--data', dataDir, '--auth'], { endsWithTest: false });
  await stack.says('Ctrl-C stops it.');
  endpoints = JSON.parse(await readFile(endpointsFile, 'utf8')) as Endpoints;
}

/** A start in this process, which is expected to fail before it is ready. */
function startHere(options: { port?: number; build?: () => Promise<never> }): Promise<unknown> {
  return startStack({ port: 0, dataDir, faceTps: 'none', output: () => undefined, ...options });
}

function isGone(address: string): Promise<boolean> {
  return fetch(address).then(
    () => false,
    () => true,
  );
}

async function changeEndpoints(change: Partial<Endpoints>): Promise<() => Promise<void>> {
  const text = await readFile(endpointsFile, 'utf8');
  await writeFile(endpointsFile, JSON.stringify({ ...endpoints, ...change }));
  return () => writeFile(endpointsFile, text);
}

/** A port on which nothing listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('where no stack has run, and where one is starting, a command says so', async () => {
  await expectToSay(
    commands.status,
    `no stack has run on ${dataDir}: start one with npm start -- --data ${dataDir}`,
  );
  await mkdir(dataDir);
  const unlock = lockFolder(dataDir, 'stack');
  await expectToSay(
    commands.status,
    `the stack on ${dataDir} is starting or stopping: wait until it says that it is ready`,
  );
  unlock();
});

test('npm start says what it starts and where everything is, the keys to its owner only', async () => {
  await npmStart(0);
  const lines = stack.output();
  const ready = lines.findIndex((line) => line.startsWith('Rollcall is ready after'));
  expect(lines.slice(0, ready)).toEqual([
    'Starting storage',
    'Starting Service Bus',
    'Starting Face and its models',
    'Building the functions',
    'Starting the Functions host',
  ]);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  expect(lines.join('')).not.toMatch(/[\u0000-\u001f]/);
  expect(Object.keys(endpoints).toSorted()).toEqual([
    'adminKey',
    'face',
    'faceKey',
    'http',
    'httpKey',
    'serviceBusConnectionString',
    'storageConnectionString',
  ]);
  expectOwnerOnly(endpointsFile);
  await healthy(endpoints.http);
  expect((await ask(commands.status)).code).toBe(0);
});

test.skipIf(process.platform === 'win32')(
  'no key stands on a command line, which every user can read',
  async () => {
    const { stdout } = await run('ps', ['-ww', '-o', 'ppid=,args=', '-A']);
    const children = stdout.split('\n').filter((line) => line.trim().startsWith(`${stack.child.pid} `));
    const {
      adminKey,
      faceKey,
      httpKey = '',
      storageConnectionString,
      serviceBusConnectionString,
    } = endpoints;
    // Its four parts, and the compiler that has built the app.
    expect(children.filter((line) => line.endsWith('main.ts'))).toHaveLength(4);
    const busKey = /SharedAccessKey=([^;]+)/.exec(serviceBusConnectionString)?.[1] ?? '';
    const storageKey = /AccountKey=([^;]+)/.exec(storageConnectionString)?.[1] ?? '';
    for (const key of [adminKey, faceKey, httpKey, busKey, storageKey]) {
      expect(key.length).toBeGreaterThan(20);
      expect(children.join('\n')).not.toContain(key);
    }
  },
);

test('every file of the data folder is readable by its owner only', async () => {
  const paths = await readdir(dataDir, { recursive: true });
  expect(paths.length).toBeGreaterThan(15);
  for (const path of paths) expectOwnerOnly(join(dataDir, path));
});

test('a folder on which another stack runs is left alone', async () => {
  await expect(startHere({})).rejects.toThrow('another stack runs on');
  await healthy(endpoints.http);
});

test('a key that is not taken and a part that does not answer are told apart', async () => {
  const wrongKey = `does not take the key that ${endpointsFile} gives: stop the stack and start it again, which writes the key anew`;
  let restore = await changeEndpoints({ httpKey: 'another' });
  await expectToSay(commands.status, `the HTTP API at ${endpoints.http} ${wrongKey}`);
  await expectToSay(commands.enroll, `the HTTP API at ${endpoints.http} ${wrongKey}`);
  await restore();
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  restore = await changeEndpoints({ http: nowhere });
  const silent =
    'does not answer (ECONNREFUSED): a part that ended is started again, so try again in a moment; the stack says what happened where it runs';
  await expectToSay(commands.status, `the stack runs, but the HTTP API at ${nowhere} ${silent}`);
  await expectToSay(commands.enroll, `the stack runs, but the HTTP API at ${nowhere} ${silent}`);
  await restore();
});

test('when the stack itself is killed, no part outlives it, and every command says so', async () => {
  stack.child.kill('SIGKILL');
  await stack.ended;
  for (const address of [`${endpoints.http}/api/health`, `${endpoints.face}/health`])
    await eventually(`${address} is gone`, () => isGone(address));
  for (const command of Object.values(commands)) {
    await expectToSay(
      command,
      `the stack on ${dataDir} was killed: start it again with npm start -- --data ${dataDir}; its data is kept`,
    );
  }
});

const moments = ['Building the functions', 'Starting Face and its models'];

test.each(isSoak ? moments : moments.slice(1))(
  'a stack that is stopped at "%s" says so, and leaves the folder to the next',
  async (line) => {
    const starting = startCli(['start', '--port', '0', '--data', dataDir]);
    await starting.says(line);
    starting.child.kill('SIGINT');
    expect(await starting.ended).toBe(hasSignals ? 0 : 'SIGINT');
    if (hasSignals) expect(starting.output().at(-1)).toBe('Stopped before it was ready.');
    expect(readFolderState(dataDir)).not.toBe('held');
    const face = join(dataDir, 'face');
    await eventually('no part is left', () => readFolderState(face) !== 'held');
  },
);

test('a build that fails ends the start, and leaves the folder to the next', async () => {
  const build = () => Promise.reject(new Error('the app cannot be built'));
  await expect(startHere({ build })).rejects.toThrow('the app cannot be built');
});

test('a port that is in use is named, with the part that wanted it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await expect(startHere({ port })).rejects.toThrow(
    `functions-host could not start: port ${port} is in use by another program`,
  );
  server.close();
  await once(server, 'close');
});

test('the next stack starts on the same port and data, and ends with all its parts on Ctrl-C', async () => {
  const { http } = endpoints;
  await npmStart(Number(new URL(http).port));
  expect(endpoints.http).toBe(http);
  stack.child.kill('SIGINT');
  const code = await stack.ended;
  if (hasSignals) {
    expect(code).toBe(0);
    expect(stack.output().slice(-2)).toEqual(['Stopping', `Stopped. The data is kept in ${dataDir}`]);
    await expect(stat(endpointsFile)).rejects.toMatchObject({ code: 'ENOENT' });
    await expectToSay(
      commands.status,
      `no stack runs on ${dataDir} now: start it again with npm start -- --data ${dataDir}; its data is kept`,
    );
  }
  expect(await isGone(`${endpoints.http}/api/health`)).toBe(true);
  expect(await isGone(`${endpoints.face}/health`)).toBe(true);
});
