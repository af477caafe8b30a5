import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { face as runFace } from '../../../cli/face.ts';
import { eventually } from '../../helpers/eventually.ts';
import { portrait } from '../../helpers/pictures.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { callsOf } from './harness.ts';

/* `rollcall face`, with the real models, as its users run it. */

type Endpoints = { face: string; faceKey: string; caFile?: string };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const running: ChildProcess[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await folder.remove();
});

function run(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['cli/main.ts', 'face', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  return { child, ended, output: () => output };
}

async function start(dataDir: string, args: string[] = [], env: Record<string, string> = {}) {
  const file = join(dataDir, 'endpoints.json');
  const service = run(['--data', dataDir, '--tps', 'none', ...args], env);
  const endpoints = await eventually('endpoints.json', async () => {
    if (service.child.exitCode !== null) throw new Error(service.output());
    return JSON.parse(readFileSync(file, 'utf8')) as Endpoints;
  });
  return { ...service, endpoints, file };
}

const callsTo = ({ face: endpoint, faceKey: key }: Endpoints) => callsOf({ endpoint, key, port: 0 });

test('the quickstart runs over TLS with pictures from a folder', async () => {
  const pictures = join(folder.path, 'pictures');
  mkdirSync(pictures);
  for (const file of ['franck_01829.jpg', 'franck_02045.jpg', 'franck_04117.jpg']) {
    writeFileSync(join(pictures, file), portrait(file));
  }
  const dataDir = join(folder.path, 'data');
  const base = 'https://pictures.example/people/';
  const service = await start(dataDir, ['--tls', '--url-map', `${base}=${pictures}`]);
  const { face, faceKey, caFile = '' } = service.endpoints;
  expect(face).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  for (const name of readdirSync(dataDir)) {
    expect(statSync(join(dataDir, name)).mode & 0o077, name).toBe(0);
  }
  expect(statSync(dataDir).mode & 0o077).toBe(0);

  const env = {
    ...process.env,
    FACE_ENDPOINT: face.replace('127.0.0.1', 'localhost'),
    FACE_APIKEY: faceKey,
    NODE_EXTRA_CA_CERTS: caFile,
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['test/parts/face/quickstart.ts', base], {
    env,
  });
  const { personId, candidates } = JSON.parse(stdout) as { personId: string; candidates: string[] };
  expect(candidates).toEqual([personId]);
  // The certificate is for the address too.
  const ca = readFileSync(caFile);
  for (const host of ['127.0.0.1', 'localhost']) {
    const socket = connect({ host, port: Number(new URL(face).port), ca });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    socket.destroy();
  }

  service.child.kill('SIGTERM');
  expect(await service.ended).toEqual([0, null]);
  expect(() => statSync(service.file)).toThrow('ENOENT');
  // A line for each call, and nothing of what it was about.
  expect(service.output()).toMatch(/createPerson 200 \d+ ms [\da-f-]{36}/);
  expect(service.output()).not.toMatch(/Franck|franck_|quickstart/);
});

/** Pictures in a folder that is mapped, and beside it. */
function mappedPictures(): string {
  const pictures = join(folder.path, 'pictures');
  mkdirSync(join(pictures, 'inside'), { recursive: true });
  writeFileSync(join(folder.path, 'secret.jpg'), portrait('franck_01829.jpg'));
  writeFileSync(join(pictures, 'inside/a face.jpg'), portrait('franck_01829.jpg'));
  symlinkSync(join(folder.path, 'secret.jpg'), join(pictures, 'link.jpg'));
  return pictures;
}

async function expectNothingOutside(face: ReturnType<typeof callsTo>, pictures: string): Promise<void> {
  const detect = (url: string) => face.call('POST', '/detect', { body: { url } });
  expect(await detect('http://p.example/inside/a%20face.jpg#top')).toMatchObject({ status: 200 });
  const outside = [
    '../secret.jpg',
    '%2e%2e/secret.jpg',
    '..%2Fsecret.jpg',
    'inside/../../secret.jpg',
    'link.jpg',
  ];
  const nothing = [
    '',
    '.',
    'inside',
    'none.jpg',
    '%',
    '%00',
    'inside/a%20face.jpg/',
    `${pictures}/../secret.jpg`,
  ];
  for (const path of [...outside, ...nothing]) {
    expect(await detect(`http://p.example/${path}`), path).toMatchObject({
      status: 400,
      body: { error: { code: 'InvalidURL' } },
    });
  }
}

test('a URL map reads nothing outside its folder; a killed service goes on, with the key to its vectors only', async () => {
  const dataDir = join(folder.path, 'data');
  const FACE_DATA_KEY = 'ab'.repeat(32);
  const pictures = mappedPictures();
  const first = await start(dataDir, ['--url-map', `http://p.example=${pictures}`], { FACE_DATA_KEY });
  const face = callsTo(first.endpoints);
  await expectNothingOutside(face, pictures);
  await face.create('/facelists/l');
  await face.ask('POST', '/facelists/l/persistedfaces', portrait('franck_01829.jpg'));
  first.child.kill('SIGKILL');
  await first.ended;
  expect(statSync(first.file).isFile()).toBe(true);

  for (const [env, reason] of [
    [{ FACE_DATA_KEY: 'cd'.repeat(32) }, 'FACE_DATA_KEY is not the key'],
    [{ FACE_DATA_KEY: 'short' }, 'FACE_DATA_KEY takes 32 bytes'],
  ] as const) {
    const refused = run(['--data', dataDir], env);
    expect(await refused.ended).toEqual([1, null]);
    expect(refused.output()).toContain(reason);
  }

  const second = await start(dataDir, ['--tps', 'F0'], { FACE_DATA_KEY });
  const again = callsTo(second.endpoints);
  expect(second.endpoints.faceKey).toBe(first.endpoints.faceKey);
  const faceId = await again.detect(portrait('franck_01829.jpg'));
  expect(await again.ask('POST', '/findsimilars', { faceId, faceListId: 'l' })).toMatchObject([
    { confidence: 1 },
  ]);
  const other = run(['--data', dataDir], { FACE_DATA_KEY });
  expect(await other.ended).toEqual([1, null]);
  expect(other.output()).toContain('another Face service runs on');

  // The free plan counts its calls by the minute: 20, of which two were made above.
  const statuses: number[] = [];
  while (statuses.at(-1) !== 429 && statuses.length < 100)
    statuses.push((await again.call('GET', '/facelists')).status);
  expect(statuses.length).toBeGreaterThan(18);
  expect(statuses.at(-1)).toBe(429);
});

test('options that cannot be are named', async () => {
  for (const [args, reason] of [
    [['--tps', '0'], '--tps takes'],
    [['--port', 'x'], '--port takes'],
    [['--training-time', 'long'], '--training-time takes'],
    [['--url-map', 'nothing'], '--url-map takes'],
    [['--url-map', 'http://x/=/no/such/folder'], 'there is no folder /no/such/folder'],
  ] as const) {
    await expect(runFace(['--data', folder.path, ...args])).rejects.toThrow(reason);
  }
  const refused = run(['--data', folder.path, '--colour']);
  expect(await refused.ended).toEqual([1, null]);
  expect(refused.output()).toContain('--colour');
});
