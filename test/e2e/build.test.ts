import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FunctionsHostReady } from '../../infra/local/functions-host/host.ts';
import { startPartProcess } from '../helpers/partProcess.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = promisify(execFile);

let stack: TestStack;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  stack = await startTestStack();
  folder = await temporaryFolder();
});

afterAll(async () => {
  await stack.close();
  await folder.remove();
});

/** What `.funcignore` lets through; its syntax is that of `.gitignore`, so git itself can say. */
async function deployed(): Promise<string[]> {
  await rm(join(folder.path, 'git'), { recursive: true, force: true });
  await run('git', ['init', '--quiet', join(folder.path, 'git')]);
  const git = ['--git-dir', join(folder.path, 'git/.git'), '--work-tree', '.'];
  const { stdout } = await run('git', [...git, 'ls-files', '--others', '--exclude-from=.funcignore']);
  return stdout.split('\n').filter((file) => file !== '');
}

/** The packages that stay outside the bundle, with all that they need. */
async function closure(names: string[], found = new Set<string>()): Promise<Set<string>> {
  for (const name of names) {
    const file = join('node_modules', name, 'package.json');
    const text = await readFile(file, 'utf8').catch(() => undefined);
    // Optional packages of other platforms are not installed.
    if (text === undefined || found.has(name)) continue;
    found.add(name);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(text) as Record<string, object>;
    await closure([...Object.keys(dependencies), ...Object.keys(optionalDependencies)], found);
  }
  return found;
}

test('what is deployed is the bundle and its descriptions, and it runs from an empty folder', async () => {
  const files = await deployed();
  expect(files.toSorted()).toEqual([
    'dist/functions.cjs',
    'dist/functions.cjs.map',
    'host.json',
    'package-lock.json',
    'package.json',
  ]);
  const app = join(folder.path, 'app');
  for (const file of files) await cp(file, join(app, file));
  await mkdir(join(app, 'node_modules'));
  for (const name of await closure(['@azure/functions', 'sharp'])) {
    await cp(join('node_modules', name), join(app, 'node_modules', name), { recursive: true });
  }
  const { endpoints } = stack.stack;
  const host = await startPartProcess<FunctionsHostReady>('functions-host', {
    appDir: app,
    port: 0,
    env: {
      AzureWebJobsStorage: endpoints.storageConnectionString,
      ROLLCALL_STORAGE: endpoints.storageConnectionString,
      ROLLCALL_SERVICEBUS: endpoints.serviceBusConnectionString,
      FACE_ENDPOINT: endpoints.face,
      FACE_APIKEY: endpoints.faceKey,
      FACE_QUOTA: 'none',
    },
  });
  const health = await fetch(`${host.ready.url}/api/health`);
  expect(await health.json()).toMatchObject({ status: 'ok' });
  expect(host.ready.functions.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'detectFaces',
      'addFace',
      'trainGroup',
      'identifyDropped',
      'removePicture',
      'sweep',
    ]),
  );
  await host.stop();
});

test('a setting that cannot be read stops the start with its sentence', async () => {
  const start = startPartProcess('functions-host', {
    appDir: process.cwd(),
    port: 0,
    env: { FACE_ENDPOINT: stack.stack.endpoints.face, FACE_QUOTA: 'a lot' },
  });
  await expect(start).rejects.toThrow(/FACE_QUOTA: expected a rate/);
});
