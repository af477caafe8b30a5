import { exec, execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FunctionsHostReady } from '../../emulators/functions-host/host.ts';
import { startServiceBus } from '../../emulators/service-bus/broker.ts';
import { startStorage } from '../../emulators/storage/storage.ts';
import { containers, queues, tables } from '../../shared/config/resources.ts';
import { healthy } from '../helpers/eventually.ts';
import { startFakeFace } from '../helpers/fakeFace.ts';
import { startEmulatorProcess } from '../helpers/emulatorProcess.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = promisify(execFile);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
const closing: (() => Promise<unknown>)[] = [];

/* What the app needs to start, and no models: the other files of this folder show that pictures go through the app. */
beforeAll(async () => {
  folder = await temporaryFolder();
  const storage = await startStorage({
    dataDir: join(folder.path, 'storage'),
    containers: Object.values(containers),
  });
  const bus = await startServiceBus({
    dataDir: join(folder.path, 'service-bus'),
    port: 0,
    queues: Object.values(queues),
  });
  const face = await startFakeFace();
  closing.push(face.close, bus.close, storage.close, folder.remove);
  const { connectionString } = storage.ready;
  for (const name of Object.values(tables)) {
    const client = TableClient.fromConnectionString(connectionString, name, {
      allowInsecureConnection: true,
    });
    await client.createTable();
  }
  env = {
    AzureWebJobsStorage: connectionString,
    ROLLCALL_STORAGE: connectionString,
    ROLLCALL_SERVICEBUS: bus.ready.connectionString,
    FACE_ENDPOINT: face.ready.endpoint,
    FACE_APIKEY: face.ready.key,
    FACE_QUOTA: 'none',
  };
});

afterAll(async () => {
  for (const close of closing) await close();
});

/** What `.funcignore` lets through of `dist`; its syntax is that of `.gitignore`, so git itself can say. */
async function deployed(): Promise<string[]> {
  await rm(join(folder.path, 'git'), { recursive: true, force: true });
  await run('git', ['init', '--quiet', join(folder.path, 'git')]);
  const git = ['--git-dir', join(folder.path, 'git/.git'), '--work-tree', '.'];
  const { stdout } = await run(
    'git',
    [...git, 'ls-files', '--others', `--exclude-from=${resolve('.funcignore')}`],
    {
      cwd: 'dist',
    },
  );
  return stdout.split('\n').filter((file) => file !== '');
}

/** The packages that the deployed lock file names, as far as they are installed on this platform. */
async function locked(): Promise<string[]> {
  const { packages } = JSON.parse(await readFile('dist/package-lock.json', 'utf8')) as {
    packages: Record<string, object>;
  };
  return Object.keys(packages).filter((path) => path !== '' && existsSync(path));
}

test('what is deployed is the bundle and its descriptions, and it runs from an empty folder', async () => {
  const files = await deployed();
  expect(files.toSorted()).toEqual([
    'decoder.cjs',
    'decoder.cjs.map',
    'functions.cjs',
    'functions.cjs.map',
    'host.json',
    'package-lock.json',
    'package.json',
    'telemetry.cjs',
    'telemetry.cjs.map',
  ]);
  const app = join(folder.path, 'app');
  for (const file of files) await cp(join('dist', file), join(app, file));
  for (const path of await locked()) await cp(path, join(app, path), { recursive: true });
  const host = await startEmulatorProcess<FunctionsHostReady>('functions-host', {
    appDir: app,
    keyFile: join(folder.path, 'keys.json'),
    port: 0,
    env: { ...env, ROLLCALL_TELEMETRY: 'otlp' },
  });
  // The lock file and the package.json agree: what installs from them is complete.
  const { stdout: tree } = await promisify(exec)('npm ls --package-lock-only --all', { cwd: app });
  expect(tree).toContain('sharp@');
  const health = await healthy(host.ready.url);
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
  const start = startEmulatorProcess('functions-host', {
    appDir: process.cwd(),
    keyFile: join(folder.path, 'keys.json'),
    port: 0,
    env: { ...env, FACE_QUOTA: 'a lot' },
  });
  await expect(start).rejects.toThrow(/FACE_QUOTA: expected a rate/);
});
