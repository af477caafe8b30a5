import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { startFaultyProxy, type Fault } from '../helpers/faultyProxy.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

let proxy: Awaited<ReturnType<typeof startFaultyProxy>>;
let stack: TestStack;

beforeAll(async () => {
  proxy = await startFaultyProxy();
  stack = await startTestStack({ settings: { FACE_ENDPOINT: proxy.url, FACE_TIMEOUT_SECONDS: '1.5' } });
  proxy.aimAt(stack.stack.endpoints.face);
});

afterAll(async () => {
  await stack.close();
  await proxy.close();
});

const addFace = /\/persistedfaces\?/;

/** Two pictures of one person, dropped into a fresh group while the fault lies in wait. */
async function enrollThrough(group: string): Promise<void> {
  for (const file of franck.slice(0, 2)) await stack.drop(`enroll/${group}/franck/${file}`, portrait(file));
}

/** One face a picture in Face itself, each named by its picture; and all of it trained. */
async function expectOneFaceEach(group: string): Promise<void> {
  const images = await Promise.all(
    franck.slice(0, 2).map((file) => stack.settled(`enroll/${group}/franck/${file}`, 'enrolled')),
  );
  await eventually('Face holds the faces of the ledger, and no others', async () => {
    const held = (await stack.faceOf(group)).flatMap(({ persistedFaceIds }) => persistedFaceIds);
    const named = images.flatMap(({ persistedFaceId }) => persistedFaceId ?? []);
    return held.toSorted().join() === named.toSorted().join();
  });
  await stack.covered(group);
}

const faults: [what: string, fault: Fault][] = [
  ['the answer is lost', { kind: 'answer lost' }],
  ['the call is lost', { kind: 'call lost' }],
  ['Face answers 500', { kind: 'answered', status: 500 }],
  ['Face answers 503', { kind: 'answered', status: 503 }],
  ['Face answers 429', { kind: 'answered', status: 429, headers: { 'retry-after': '1' } }],
  [
    'Face answers 409',
    { kind: 'answered', status: 409, body: { error: { code: 'ConcurrentOperationConflict', message: 'x' } } },
  ],
];

test.each(faults)('a face is added once when %s', async (what, fault) => {
  const group = `add-${faults.findIndex(([name]) => name === what)}`;
  proxy.break('POST', new RegExp(`/${group}/.*${addFace.source}`), fault, fault);
  await enrollThrough(group);
  await expectOneFaceEach(group);
});

test('a face is added once when its call lands after everybody has given up on it', async () => {
  proxy.break('POST', new RegExp(`/late/.*${addFace.source}`), { kind: 'late', afterMs: 2_500 });
  await enrollThrough('late');
  await Promise.all(
    franck.slice(0, 2).map((file) => stack.settled(`enroll/late/franck/${file}`, 'enrolled')),
  );
  await proxy.landed();
  await expectOneFaceEach('late');
});

test.each(faults)('a picture is detected in the end when %s', async (what, fault) => {
  const group = `detect-${faults.findIndex(([name]) => name === what)}`;
  proxy.break('POST', /\/detect\?/, fault);
  await enrollThrough(group);
  await expectOneFaceEach(group);
});

test.each(faults)('a group is created and trained in the end when %s', async (what, fault) => {
  const group = `train-${faults.findIndex(([name]) => name === what)}`;
  proxy.break('PUT', new RegExp(`/largepersongroups/${group}$`), fault);
  proxy.break('POST', new RegExp(`/${group}/train$`), fault);
  proxy.break('GET', new RegExp(`/${group}/training$`), fault);
  await enrollThrough(group);
  await expectOneFaceEach(group);
});

test('a person whose creation was not answered gets its faces all the same, once', async () => {
  proxy.break('POST', /\/orphan\/persons$/, { kind: 'answer lost' });
  await enrollThrough('orphan');
  await expectOneFaceEach('orphan');
});

test('a deletion that was not answered is repeated until the face is gone', async () => {
  await enrollThrough('deleted');
  await expectOneFaceEach('deleted');
  proxy.break('DELETE', /\/deleted\/.*\/persistedfaces\//, { kind: 'answer lost' }, { kind: 'call lost' });
  for (const file of franck.slice(0, 2)) await stack.remove(`enroll/deleted/franck/${file}`);
  await eventually('Face holds nothing', async () => {
    const held = await stack.faceOf('deleted');
    return held.every(({ persistedFaceIds }) => persistedFaceIds.length === 0);
  });
});

test('a caller is told when Face fails', async () => {
  await stack.covered('add-0');
  proxy.break('POST', /\/identify$/, { kind: 'answered', status: 500 });
  const answer = await stack.postPicture('groups/add-0/identify', portrait('franck_04117.jpg'));
  expect(answer).toMatchObject({ status: 503, body: { code: 'face_unavailable' } });
});
