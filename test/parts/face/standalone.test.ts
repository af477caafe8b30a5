import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stackCommands } from '../../../cli/commands/stackCommands.ts';
import { runHere } from '../../helpers/cli.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectOwnerOnly } from '../../helpers/ownerOnly.ts';
import { portrait } from '../../helpers/pictures.ts';
import { hasSignals } from '../../helpers/signals.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { callsOf } from './harness.ts';

/*
 * `rollcall face`, with the real models, as its users run it. The tests follow one folder of data through its life, in
 * this order, since every start loads the models.
 */

type Endpoints = { face: string; faceKey: string; caFile?: string };
type Service = Awaited<ReturnType<typeof start>>;

const FACE_DATA_KEY = 'ab'.repeat(32);
const base = 'https://pictures.example/people/';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let dataDir: string;
let pictures: string;
let service: Service;
let person: string;
const running: ChildProcess[] = [];

beforeAll(async () => {
  folder = await temporaryFolder();
  dataDir = join(folder.path, 'data');
  pictures = join(folder.path, 'pictures');
  mkdirSync(join(pictures, 'inside'), { recursive: true });
  for (const file of ['franck_01829.jpg', 'franck_02045.jpg', 'franck_04117.jpg']) {
    writeFileSync(join(pictures, file), portrait(file));
  }
  writeFileSync(join(pictures, 'inside/a face.jpg'), portrait('franck_01829.jpg'));
  writeFileSync(join(folder.path, 'secret.jpg'), portrait('franck_01829.jpg'));
  symlinkSync(join(folder.path, 'secret.jpg'), join(pictures, 'link.jpg'));
  service = await start(['--tps', 'none', '--tls', '--url-map', `${base}=${pictures}`]);
});

afterAll(async () => {
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await folder.remove();
});

function run(args: string[], env: Record<string, string> = { FACE_DATA_KEY }) {
  const child = spawn(process.execPath, ['cli/main.ts', 'face', '--port', '0', '--data', dataDir, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  return { child, ended, output: () => output };
}

const endpointsFile = () => join(dataDir, 'endpoints.json');

async function start(args: string[]) {
  const started = run(args);
  const endpoints = await eventually('the service is ready', () => {
    if (started.child.exitCode !== null) throw new Error(started.output());
    if (!started.output().includes('is ready')) return undefined;
    return JSON.parse(readFileSync(endpointsFile(), 'utf8')) as Endpoints;
  });
  return { ...started, endpoints };
}

test('the quickstart runs over TLS with pictures from a folder', async () => {
  const { face, faceKey, caFile = '' } = service.endpoints;
  expect(face).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  for (const name of readdirSync(dataDir)) expectOwnerOnly(join(dataDir, name));
  expectOwnerOnly(dataDir);

  const { stdout } = await promisify(execFile)(process.execPath, ['test/parts/face/quickstart.ts', base], {
    env: {
      ...process.env,
      FACE_ENDPOINT: face.replace('127.0.0.1', 'localhost'),
      FACE_APIKEY: faceKey,
      NODE_EXTRA_CA_CERTS: caFile,
    },
  });
  const { personId, candidates } = JSON.parse(stdout) as { personId: string; candidates: string[] };
  expect(candidates).toEqual([personId]);
  person = personId;
  // The certificate is for the name and for the address.
  for (const host of ['127.0.0.1', 'localhost']) {
    const socket = connect({ host, port: Number(new URL(face).port), ca: readFileSync(caFile) });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    socket.destroy();
  }
  // A line for each call, and nothing of what it was about.
  expect(service.output()).toMatch(/createPerson 200 \d+ ms [\da-f-]{36}/);
  expect(service.output()).not.toMatch(/Franck|franck_|quickstart/);
});

test('a killed service goes on where it was, with the key to its vectors only', async () => {
  const { faceKey } = service.endpoints;
  service.child.kill('SIGKILL');
  await service.ended;
  expect(statSync(endpointsFile()).isFile()).toBe(true);
  const refused = run([], { FACE_DATA_KEY: 'short' });
  expect(await refused.ended).toEqual([1, null]);
  expect(refused.output()).toContain('FACE_DATA_KEY takes 32 bytes');

  service = await start(['--tps', 'F0', '--url-map', `http://p.example=${pictures}`]);
  expect(service.endpoints.faceKey).toBe(faceKey);
  const again = callsTo(service);
  const faceId = await again.detect(portrait('franck_01829.jpg'));
  expect(await again.identify(faceId, { largePersonGroupId: 'quickstart' })).toEqual([person]);
  const other = run([]);
  expect(await other.ended).toEqual([1, null]);
  expect(other.output()).toContain('another Face service runs on');
});

test('a URL map reads nothing outside its folder', async () => {
  const face = callsTo(service);
  const detect = (url: string) => face.call('POST', '/detect', { body: { url } });
  expect(await detect('http://p.example/inside/a%20face.jpg#top')).toMatchObject({ status: 200 });
  const outside = [
    '../secret.jpg',
    '%2e%2e/secret.jpg',
    '..%2Fsecret.jpg',
    'inside/../../secret.jpg',
    'link/secret.jpg',
  ];
  const nothing = [
    '',
    '.',
    'inside',
    'none.jpg',
    '%',
    '%00',
    'inside/a%20face.jpg/',
    `${folder.path}/secret.jpg`,
  ];
  for (const path of [...outside, ...nothing]) {
    expect(await detect(`http://p.example/${path}`), path).toMatchObject({
      status: 400,
      body: { error: { code: 'InvalidURL' } },
    });
  }
});

test('the free plan counts its calls by the minute, and a service that is stopped leaves no endpoints', async () => {
  const { call } = callsTo(service);
  const calls = () => service.output().match(/ \d+ ms [\da-f-]{36}/g)?.length ?? 0;
  const statuses: number[] = [];
  // On a machine so slow that the minute has gone by, it is full in the next.
  while (statuses.at(-1) !== 429 && statuses.length < 200)
    statuses.push((await call('GET', '/facelists')).status);
  expect(statuses.at(-1)).toBe(429);
  expect(new Set(statuses.slice(0, -1))).toEqual(new Set([200]));
  await eventually('its lines', () => calls() > 20);

  service.child.kill('SIGTERM');
  const ended = await service.ended;
  if (hasSignals) {
    expect(ended).toEqual([0, null]);
    expect(() => statSync(endpointsFile())).toThrow('ENOENT');
  }
});

test('options that cannot be are named', async () => {
  const missing = join(folder.path, 'none');
  for (const [args, reason] of [
    [['--tps', '0'], "'--tps <calls>' argument '0' is invalid"],
    [['--port', 'x'], '--port takes'],
    [['--training-time', 'long'], '--training-time takes'],
    [['--url-map', 'nothing'], '--url-map takes'],
    [['--url-map', `http://x/=${missing}`], `there is no folder ${missing}`],
  ] as const) {
    const { code, output } = await runHere(stackCommands, ['face', '--data', folder.path, ...args]);
    expect(code).toBe(2);
    expect(output).toContain(reason);
  }
  const refused = run(['--colour']);
  expect(await refused.ended).toEqual([2, null]);
  expect(refused.output()).toContain('--colour');
});

const callsTo = ({ endpoints: { face: endpoint, faceKey: key } }: Service) =>
  callsOf({ endpoint, key, port: 0 });
