import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder, readFolderState } from '../../infra/local/folderLock.ts';
import type { Endpoints } from '../../infra/local/stack.ts';
import { runCli, startCli } from '../helpers/cli.ts';
import { eventually } from '../helpers/eventually.ts';
import { portrait } from '../helpers/pictures.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** Each starts a stack or two, and a process for each command. */
const patient = { timeout: 600_000 };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let dataDir: string;
let commands: string[][];

beforeEach(async () => {
  folder = await temporaryFolder();
  dataDir = join(folder.path, 'data');
  const photos = join(folder.path, 'photos');
  const picture = join(photos, 'nicolas', '1.jpg');
  await mkdir(join(photos, 'nicolas'), { recursive: true });
  await writeFile(picture, portrait('cage.jpg'));
  commands = [
    ['status'],
    ['redrive'],
    ['identify', picture, '--group', 'family'],
    ['enroll', photos, '--group', 'family'],
  ];
});

afterEach(() => folder.remove());

const ask = (command: string[]) => runCli([...command, '--data', dataDir]);

/** A command says so, in one line, and fails. */
async function expectToSay(command: string[], text: string): Promise<void> {
  expect(await ask(command)).toEqual({ code: 1, output: `rollcall ${command[0]}: ${text}` });
}

async function changeEndpoints(
  change: (endpoints: Endpoints) => Partial<Endpoints>,
): Promise<() => Promise<void>> {
  const file = join(dataDir, 'endpoints.json');
  const text = await readFile(file, 'utf8');
  const endpoints = JSON.parse(text) as Endpoints;
  await writeFile(file, JSON.stringify({ ...endpoints, ...change(endpoints) }));
  return () => writeFile(file, text);
}

/** An address at which nothing listens. */
async function addressOfNobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

test('where no stack has run, and where one is starting, a command says so', async () => {
  await expectToSay(
    ['status'],
    `no stack has run on ${dataDir}: start one with npm start -- --data ${dataDir}`,
  );
  await mkdir(dataDir);
  const unlock = lockFolder(dataDir, 'stack');
  await expectToSay(
    ['status'],
    `the stack on ${dataDir} is starting or stopping: wait until it says that it is ready`,
  );
  unlock();
});

test(
  'a stack says what it starts and that it stops; a kill, a wrong key and a silent part are told',
  patient,
  async () => {
    const start = ['start', '--port', '0', '--data', dataDir, '--auth'];
    const first = startCli(start);
    await first.says('Ctrl-C stops it.');
    const lines = first.output();
    const ready = lines.findIndex((line) => line.startsWith('Rollcall is ready after'));
    expect(lines.slice(0, ready)).toEqual([
      'Building the functions',
      'Starting storage',
      'Starting Service Bus',
      'Starting Face and its models',
      'Starting the Functions host',
    ]);
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f]/);
    expect((await ask(['status'])).code).toBe(0);

    const [, , , enroll = []] = commands;
    const file = join(dataDir, 'endpoints.json');
    const wrongKey = `does not take the key that ${file} gives: stop the stack and start it again, which writes the key anew`;
    let restore = await changeEndpoints(({ storageConnectionString }) => ({
      httpKey: 'another',
      storageConnectionString: storageConnectionString.replace(/AccountKey=..../, 'AccountKey=AAAA'),
    }));
    const { http } = JSON.parse(await readFile(file, 'utf8')) as Endpoints;
    await expectToSay(['status'], `the HTTP API at ${http} ${wrongKey}`);
    await expectToSay(enroll, `the storage ${wrongKey}`);
    await restore();
    const nowhere = await addressOfNobody();
    restore = await changeEndpoints(({ storageConnectionString }) => ({
      http: nowhere,
      storageConnectionString: storageConnectionString.replace(
        /BlobEndpoint=http:\/\/[^/]*/,
        `BlobEndpoint=${nowhere}`,
      ),
    }));
    const silent =
      'does not answer (ECONNREFUSED): a part that ended is started again, so try again in a moment; the stack says what happened where it runs';
    await expectToSay(['status'], `the stack runs, but the HTTP API at ${nowhere} ${silent}`);
    await expectToSay(enroll, `the stack runs, but the storage ${silent}`);
    await restore();

    first.child.kill('SIGKILL');
    await first.ended;
    const again = `start it again with npm start -- --data ${dataDir}; its data is kept`;
    for (const command of commands)
      await expectToSay(command, `the stack on ${dataDir} was killed: ${again}`);

    const second = startCli(start);
    await second.says('Ctrl-C stops it.');
    expect((await ask(['status'])).code).toBe(0);
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
    expect(second.output().slice(-2)).toEqual(['Stopping', `Stopped. The data is kept in ${dataDir}`]);
    await expectToSay(['status'], `no stack runs on ${dataDir} now: ${again}`);
  },
);

test.each(['Building the functions', 'Starting Face and its models'])(
  'a stack that is stopped at "%s" says so, and leaves the folder to the next',
  patient,
  async (line) => {
    const stack = startCli(['start', '--port', '0', '--data', dataDir]);
    await stack.says(line);
    stack.child.kill('SIGINT');
    expect(await stack.ended).toBe(0);
    expect(stack.output().at(-1)).toBe('Stopped before it was ready.');
    expect(readFolderState(dataDir)).not.toBe('held');
    const face = join(dataDir, 'face');
    await eventually('no part is left', () => readFolderState(face) !== 'held');
  },
);
