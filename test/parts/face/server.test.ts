import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { expectOwnerOnly } from '../../helpers/ownerOnly.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { createFakeVision, embeddingOf, picture } from './fakeVision.ts';
import { startTestFace, type TestFace } from './harness.ts';

let face: TestFace;
const sockets: Socket[] = [];

beforeEach(async () => {
  face = await startTestFace({ vision: createFakeVision() });
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await face.close();
});

/** A connection that sends the head of a call, and no more. */
const sent = (...lines: string[]): Promise<Socket> => sentAsIs(`${lines.join('\r\n')}\r\n\r\n`);

async function sentAsIs(text: string): Promise<Socket> {
  const socket = connect(face.ready.port, '127.0.0.1').on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

async function answerOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

const largest = 6 * 1024 * 1024;

const upload = (bytes: number) =>
  sent(
    'POST /face/v1.2/detect HTTP/1.1',
    'host: localhost',
    `ocp-apim-subscription-key: ${face.ready.key}`,
    'content-type: application/octet-stream',
    `content-length: ${bytes}`,
  );

test('uploads that never end take a bounded room, and give it back', async () => {
  for (let uploads = 0; uploads < 64; uploads += 1) await upload(largest);
  const detect = () => face.call('POST', '/detect', { body: picture('ann') });
  const refused = await eventually('there is no room left', async () => {
    const answer = await detect();
    return answer.status === 429 ? answer : undefined;
  });
  expect(refused).toMatchObject({ body: { error: { code: '429' } } });
  expect(refused.headers.get('retry-after')).toBe('1');
  // Everything else goes on.
  expect((await face.call('GET', '/facelists')).status).toBe(200);
  for (const socket of sockets) socket.destroy();
  await eventually('there is room again', async () => (await detect()).status === 200);
});

test('calls that do not arrive in time are answered 408, and give their room back', async () => {
  await face.close();
  const arrival = { headersMs: 500, callMs: 2_000, checkedEveryMs: 20 };
  face = await startTestFace({ vision: createFakeVision(), arrival });
  const detect = () => face.call('POST', '/detect', { body: picture('ann') });
  const unfinished = await sentAsIs('POST /face/v1.2/detect HTTP/1.1\r\nhost: localhost\r\n');
  // As many as there is room for, so that whoever comes later gets in only when theirs is given back.
  const slow: Socket[] = [];
  while (slow.length < 64) slow.push(await upload(largest));
  // A byte now and then is no way out.
  const dripping = setInterval(() => slow[0]?.write('x'), 20);
  for (const socket of [unfinished, ...slow]) {
    const answer = await answerOf(socket);
    expect(answer).toContain('HTTP/1.1 408 ');
    const [, body = ''] = answer.split('\r\n\r\n');
    expect(JSON.parse(body)).toEqual({ error: { code: 'OperationTimeOut', message: 'Request Timeout.' } });
  }
  clearInterval(dripping);
  await eventually('there is room again', async () => (await detect()).status === 200);
});

test.each([
  ['no HTTP', 400, ['HELO']],
  ['a header without end', 431, ['GET / HTTP/1.1', 'host: localhost', `x-long: ${'x'.repeat(20_000)}`]],
])('%s is answered in the envelope of the contract', async (_what, status, lines) => {
  const answer = await answerOf(await sent(...lines));
  expect(answer).toContain(`HTTP/1.1 ${status} `);
  const [, body = ''] = answer.split('\r\n\r\n');
  expect(JSON.parse(body)).toEqual({
    error: { code: 'BadArgument', message: expect.any(String) as string },
  });
});

test('a body that is longer than any call needs is refused before it is read', async () => {
  const body = { name: 'x', userData: 'y'.repeat(1_000_000) };
  expect(await face.call('PUT', '/facelists/l', { body })).toMatchObject({
    status: 400,
    body: { error: { code: 'BadArgument', message: 'Request body is invalid.' } },
  });
});

test('a call that is under way when the service stops is answered', async () => {
  const vision = createFakeVision();
  const release = Promise.withResolvers<undefined>();
  vision.hold = release.promise;
  const stopping = await startTestFace({ vision });
  const detected = stopping.call('POST', '/detect', { body: picture('ann') });
  await eventually('the picture is looked at', () => vision.atOnce() === 1);
  const closed = stopping.close();
  release.resolve(undefined);
  expect((await detected).status).toBe(200);
  await closed;
  await expect(stopping.call('GET', '/facelists')).rejects.toThrow();
});

test('a path that is none is not found', async () => {
  for (const path of ['/persongroups/%zz', `/persongroups/${'x'.repeat(300)}`, '/persongroups//persons']) {
    expect(await face.call('GET', path), path).toMatchObject({ status: 404 });
  }
});

test('metrics count calls, their time and the pictures under way', async () => {
  await face.call('POST', '/detect', { body: picture('ann') });
  const text = await eventually('the call is counted', async () => {
    const metrics = await (await fetch(`${face.ready.endpoint}/metrics`)).text();
    return metrics.includes('face_requests_total{operation="detect",status="200"} 1') && metrics;
  });
  expect(text).toContain('face_request_duration_seconds_count{operation="detect"} 1');
  expect(text).toContain('face_pictures_under_way 0');
  expect(text).toMatch(/process_resident_memory_bytes \d+/);
});

test('files of the data folder are for their owner only', async () => {
  await face.ask('PUT', '/facelists/l', { name: 'l' });
  expectOwnerOnly(join(face.dataDir, 'face.sqlite'));
  for (const name of readdirSync(face.dataDir)) expectOwnerOnly(join(face.dataDir, name));
});

test('with a data key no vector is on the disk as it is, and all answers are the same', async () => {
  const folder = await temporaryFolder();
  const options = { vision: createFakeVision(), dataDir: folder.path, dataKey: Buffer.alloc(32, 7) };
  const isOnDisk = (): boolean => {
    const part = Buffer.from(embeddingOf('ann').slice(100, 110).buffer);
    return readdirSync(folder.path).some((file) => readFileSync(join(folder.path, file)).includes(part));
  };
  const sealed = await startTestFace(options);
  const group = '/largepersongroups/g';
  await sealed.create(group);
  const ann = await sealed.person(group, 'ann', picture('ann'));
  await sealed.train(group);
  const faceId = await sealed.detect(picture('ann'));
  await sealed.close();
  expect(isOnDisk()).toBe(false);
  const again = await startTestFace(options);
  expect(await again.identify(faceId, { largePersonGroupId: 'g' })).toEqual([ann]);
  await again.close();

  const open = { ...options, dataKey: undefined };
  await expect(startTestFace(open)).rejects.toThrow('are encrypted: set FACE_DATA_KEY to their key');
  const wrong = { ...options, dataKey: Buffer.alloc(32, 8) };
  await expect(startTestFace(wrong)).rejects.toThrow('FACE_DATA_KEY is not the key');
  const plain = await temporaryFolder();
  await (await startTestFace({ ...open, dataDir: plain.path })).close();
  await expect(startTestFace({ ...options, dataDir: plain.path })).rejects.toThrow('are not encrypted');
  await plain.remove();
  await folder.remove();
});
