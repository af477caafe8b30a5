import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFaceProcess } from '../../../emulators/face/faceProcess.ts';
import { openDatabase } from '../../../emulators/common/sqlite.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectOwnerOnly } from '../../helpers/ownerOnly.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { createFakeVision, picture } from './fakeVision.ts';
import { startFakeFaceProcess, startTestFace } from './harness.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
});

afterAll(() => folder.remove());

const group = '/largepersongroups/g';
const scope = { largePersonGroupId: 'g' };

test('a killed service remembers what it answered, and ends the training that was cut short', async () => {
  const dataDir = join(folder.path, 'killed');
  // A training of more than one face does not end.
  const first = await startFakeFaceProcess({ dataDir, trainingMs: 3_600_000 });
  await first.create(group);
  const annId = await first.person(group, 'ann', picture('ann'));
  await first.train(group);
  const faceId = await first.detect(picture('ann'));
  const benId = await first.person(group, 'ben', picture('ben'));
  await first.ask('POST', `${group}/train`);
  await first.kill();

  const second = await startFakeFaceProcess({ dataDir });
  expect(second.ready.key).toBe(first.ready.key);
  expectOwnerOnly(join(dataDir, 'key'));
  expect(await second.identify(faceId, scope)).toEqual([annId]);
  await eventually('the training ends', async () => {
    const { status } = await second.ask<{ status: string }>('GET', `${group}/training`);
    return status === 'succeeded';
  });
  expect(await second.identify(await second.detect(picture('ben')), scope)).toEqual([benId]);
  await second.kill();
});

test('a training that the end of the service cut short goes on at the next start', async () => {
  const options = { vision: createFakeVision(), dataDir: join(folder.path, 'cut') };
  const first = await startTestFace({ ...options, trainingTime: () => 3_600_000 });
  await first.create(group);
  await first.person(group, 'ann', picture('ann'));
  await first.ask('POST', `${group}/train`);
  await first.close();
  const second = await startTestFace({ ...options, trainingTime: () => 3_600_000 });
  expect(await second.ask('GET', `${group}/training`)).toMatchObject({ status: 'running' });
  await second.close();
  const third = await startTestFace({ ...options, trainingTime: () => 1 });
  await eventually('the training ends', async () => {
    const { status } = await third.ask<{ status: string }>('GET', `${group}/training`);
    return status === 'succeeded';
  });
  await third.close();
});

test('face IDs end with their lifetime, over a restart too', async () => {
  let at = Date.now();
  const options = { vision: createFakeVision(), dataDir: join(folder.path, 'lifetimes'), now: () => at };
  const first = await startTestFace(options);
  const [short, long] = [
    await first.detect(picture('ann'), 'faceIdTimeToLive=60'),
    await first.detect(picture('ann'), 'faceIdTimeToLive=120'),
  ];
  await first.close();
  at += 59_000;
  const second = await startTestFace(options);
  const verify = (faceId2: string) => second.call('POST', '/verify', { body: { faceId1: long, faceId2 } });
  expect((await verify(short)).status).toBe(200);
  at += 1_000;
  expect((await verify(short)).status).toBe(404);
  expect((await verify(long)).status).toBe(200);
  await second.close();
});

test('data of another version, a port in use, a quota and a training time that are none are named', async () => {
  const dataDir = join(folder.path, 'old');
  mkdirSync(dataDir);
  openDatabase(
    join(dataDir, 'face.sqlite'),
    'CREATE TABLE groups (id TEXT); PRAGMA user_version = 1;',
  ).close();
  const old = startTestFace({ vision: createFakeVision(), dataDir });
  await expect(old).rejects.toThrow('face.sqlite was written by another version (schema 1');

  const one = await startTestFace({ vision: createFakeVision() });
  const { port } = one.ready;
  const again = startTestFace({ vision: createFakeVision(), port, dataDir: join(folder.path, 'port') });
  await expect(again).rejects.toThrow(`port ${port} is in use`);
  await one.close();
  const options = { dataDir: join(folder.path, 'bad'), port: 0, trainingTime: 'none' } as const;
  const bad = startFaceProcess({ ...options, quota: -1 });
  await expect(bad).rejects.toThrow('the quota is calls a second');
  const untimed = startFaceProcess({ ...options, quota: 'none', trainingTime: 'soon' as 'none' });
  await expect(untimed).rejects.toThrow('the training time is seconds');
});
