import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queues } from '../../shared/config/resources.ts';
import { runCli } from '../helpers/cli.ts';
import { eventually } from '../helpers/eventually.ts';
import { startFaultyProxy, type Fault } from '../helpers/faultyProxy.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { isSoak } from '../helpers/size.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

/* What becomes of pictures and callers when single calls to Face fail. One stack, with a proxy before Face. */

let proxy: Awaited<ReturnType<typeof startFaultyProxy>>;
let stack: TestStack;
let bus: ServiceBusClient;

beforeAll(async () => {
  proxy = await startFaultyProxy();
  stack = await startTestStack({ settings: { FACE_ENDPOINT: proxy.url, FACE_TIMEOUT_SECONDS: '4' } });
  proxy.aimAt(stack.stack.endpoints.face);
  bus = new ServiceBusClient(stack.stack.endpoints.serviceBusConnectionString);
});

afterAll(async () => {
  await bus.close();
  await stack.close();
  await proxy.close();
});

const addFace = (group: string) => new RegExp(`/${group}/.*/persistedfaces\\?`);

const answered = (status: number, code: string, message = 'x'): Fault => ({
  kind: 'answered',
  status,
  body: { error: { code, message } },
});

async function deadLetters(queue: string): Promise<(string | undefined)[]> {
  const receiver = bus.createReceiver(queue, { subQueueType: 'deadLetter' });
  try {
    return (await receiver.peekMessages(100)).map(({ deadLetterReason }) => deadLetterReason);
  } finally {
    await receiver.close();
  }
}

/** What asks Face itself, past the pipeline and its proxy. */
function face(method: string, path: string, body?: object): Promise<Response> {
  const { face: endpoint, faceKey } = stack.stack.endpoints;
  return fetch(`${endpoint}/face/v1.2/${path}`, {
    method,
    headers: { 'ocp-apim-subscription-key': faceKey, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Two pictures of one person, dropped into a fresh group while the fault lies in wait. */
async function enrollThrough(group: string): Promise<void> {
  for (const file of franck.slice(0, 2)) await stack.drop(`enroll/${group}/franck/${file}`, portrait(file));
}

/** One face a picture in Face itself, each named by its picture; and all of it trained. */
async function expectOneFaceEach(group: string): Promise<void> {
  const images = await Promise.all(
    franck.slice(0, 2).map((file) => stack.settled(`enroll/${group}/franck/${file}`, 'enrolled')),
  );
  await eventually('Face holds the faces of the imageRecords, and no others', async () => {
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

/** What a group does to Face, and the calls that it makes for it. */
const operations: [what: string, meet: (group: string, fault: Fault) => void][] = [
  ['a face is added', (group, fault) => proxy.break('POST', addFace(group), fault, fault)],
  // The path of a detection names no group; the next detection is one of this test.
  ['a picture is detected', (_group, fault) => proxy.break('POST', /\/detect\?/, fault)],
  [
    'a group is created and trained',
    (group, fault) => {
      proxy.break('PUT', new RegExp(`/largepersongroups/${group}$`), fault);
      proxy.break('POST', new RegExp(`/${group}/train$`), fault);
      proxy.break('GET', new RegExp(`/${group}/training$`), fault);
    },
  ],
];

const pairs = faults.flatMap(([what, fault], row) =>
  operations.map(([operation, meet], column) => ({ operation, what, fault, meet, row, column })),
);

test.each(isSoak ? pairs : [])(
  '$operation once, in the end, when $what',
  async ({ fault, meet, row, column }) => {
    const group = `pair-${row}-${column}`;
    meet(group, fault);
    await enrollThrough(group);
    await expectOneFaceEach(group);
  },
);

test('one import meets every fault, each operation some of them, and has every face once', async () => {
  for (const [row, [, fault]] of faults.entries()) operations[row % operations.length]?.[1]('all', fault);
  await enrollThrough('all');
  await expectOneFaceEach('all');
});

test('a face is added once when its call lands after everybody has given up on it', async () => {
  proxy.break('POST', addFace('late'), { kind: 'late', afterMs: 7_000 });
  await enrollThrough('late');
  await Promise.all(
    franck.slice(0, 2).map((file) => stack.settled(`enroll/late/franck/${file}`, 'enrolled')),
  );
  await proxy.landed();
  await expectOneFaceEach('late');
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
  await enrollThrough('asked');
  await stack.covered('asked');
  proxy.break('POST', /\/identify$/, { kind: 'answered', status: 500 });
  const answer = await stack.api('groups/asked/identify', {
    method: 'POST',
    headers: { 'content-type': 'image/jpeg' },
    body: new Uint8Array(portrait('franck_04117.jpg')),
  });
  expect(answer).toMatchObject({ status: 503, body: { code: 'face_unavailable' } });
});

test('a request is found by its name at Face, in the answer and in the log, which says no more', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  await stack.api('groups/garbled', { method: 'PUT' });
  // What nobody foresaw.
  proxy.break('POST', /\/detect\?/, { kind: 'answered', status: 200, body: 'secret of Ann' });
  const { status, headers, body } = await stack.api('groups/garbled/identify', {
    method: 'POST',
    headers: {
      'content-type': 'image/jpeg',
      'x-request-id': 'order-17',
      traceparent,
      tracestate: 'congo=t61rcWkgMzE',
    },
    body: new Uint8Array(portrait('audrey_crop.jpg')),
  });
  expect({ status, body }).toMatchObject({ status: 500, body: { code: 'internal' } });
  expect(headers.get('x-request-id')).toBe('order-17');
  expect(headers.get('traceparent')).toBe(traceparent);
  const detection = proxy.seen().find((of) => of['client-request-id'] === 'order-17');
  expect(detection).toMatchObject({ traceparent, tracestate: 'congo=t61rcWkgMzE' });
  const line = await eventually('the failure is logged', () =>
    stack.log().find((logged) => logged.includes('order-17')),
  );
  expect(line).toContain('internal: TypeError');
  expect(stack.log().join('\n')).not.toContain('Ann');
});

test('what can never succeed is failed and dead-lettered with its code, holds up nobody, and can be sent round again', async () => {
  proxy.break('POST', addFace('poison'), answered(400, 'BadArgument'));
  await stack.drop('enroll/poison/nicolas/1.jpg', portrait('cage.jpg'));
  await stack.settled('enroll/poison/nicolas/1.jpg', 'failed');
  await stack.drop('enroll/poison/nicolas/2.jpg', portrait('cage2_crop.jpg'));
  await stack.settled('enroll/poison/nicolas/2.jpg', 'enrolled');
  expect(await stack.image('enroll/poison/nicolas/1.jpg')).toMatchObject({
    state: 'failed',
    reason: 'face_refused',
  });
  expect(await deadLetters(queues.failures.name)).toEqual(['face_refused']);
  const { status, body } = await stack.api('failures/redrive', { method: 'POST' });
  expect({ status, body }).toEqual({ status: 202, body: { redriven: 1, more: false } });
  await stack.settled('enroll/poison/nicolas/1.jpg', 'enrolled');
  expect(await deadLetters(queues.failures.name)).toEqual([]);
  const faces = (await stack.faceOf('poison')).flatMap(({ persistedFaceIds }) => persistedFaceIds);
  expect(faces).toHaveLength(2);
});

test('a plan that is full fails the picture with a code of its own; the command sends it round again', async () => {
  const message = 'Person number reached person group level limit.';
  proxy.break('POST', /\/full\/persons$/, answered(403, 'QuotaExceeded', message));
  await stack.drop('enroll/full/audrey/1.jpg', portrait('audrey.jpg'));
  const image = await stack.settled('enroll/full/audrey/1.jpg', 'failed');
  expect(image).toMatchObject({ reason: 'plan_full', detail: `Face said: ${message}` });
  expect(await runCli(['redrive', '--data', stack.stack.dataDir])).toMatchObject({ code: 0 });
  await stack.settled('enroll/full/audrey/1.jpg', 'enrolled');
});

test('a person that is full rejects the picture', async () => {
  proxy.break(
    'POST',
    addFace('crowded'),
    answered(403, 'QuotaExceeded', 'Persisted face number reached limit.'),
  );
  await stack.drop('enroll/crowded/audrey/1.jpg', portrait('audrey.jpg'));
  expect(await stack.settled('enroll/crowded/audrey/1.jpg', 'rejected')).toMatchObject({
    reason: 'person_full',
  });
});

test('a group that Face has with another recognition model fails the picture until it is gone', async () => {
  const path = 'largepersongroups/foreign';
  await face('PUT', path, { name: 'x', recognitionModel: 'recognition_01' });
  await stack.drop('enroll/foreign/audrey/1.jpg', portrait('audrey.jpg'));
  expect(await stack.settled('enroll/foreign/audrey/1.jpg', 'failed')).toMatchObject({
    reason: 'recognition_model_mismatch',
  });
  await face('DELETE', path);
  await stack.api('failures/redrive', { method: 'POST' });
  await stack.settled('enroll/foreign/audrey/1.jpg', 'enrolled');
});

test('a group that was deleted behind our back is enrolled anew', async () => {
  await stack.drop('enroll/lost/audrey/1.jpg', portrait('audrey.jpg'));
  await stack.drop('enroll/lost/nicolas/1.jpg', portrait('cage.jpg'));
  await stack.settled('enroll/lost/audrey/1.jpg', 'enrolled');
  await stack.settled('enroll/lost/nicolas/1.jpg', 'enrolled');
  await stack.covered('lost');
  await face('DELETE', 'largepersongroups/lost');
  await stack.api('groups/lost/train', { method: 'POST' });
  await eventually('both faces are back', async () => {
    const faces = (await stack.faceOf('lost')).flatMap(({ persistedFaceIds }) => persistedFaceIds);
    return faces.length === 2;
  });
  await eventually('and found again', async () => {
    const { body } = await stack.postPicture('groups/lost/identify', portrait('audrey.jpg'));
    const { faces } = body as { faces: { candidates: { person: string }[] }[] };
    return faces[0]?.candidates[0]?.person === 'audrey';
  });
});

test('a training that fails is shown, and tried again', async () => {
  const failed = { status: 'failed', createdDateTime: 'x', lastActionDateTime: 'x', message: 'x' };
  proxy.break('GET', /\/trained\/training$/, { kind: 'answered', status: 200, body: failed });
  await stack.drop('enroll/trained/audrey/1.jpg', portrait('audrey.jpg'));
  await eventually('the failure is shown', async () => {
    const { status, body } = await stack.api('groups/trained');
    const { training } = body as { training?: { state: string; error?: string } };
    return status === 200 && training?.state === 'failed' && training.error === 'training_failed';
  });
  const { training } = await stack.covered('trained');
  expect(training).toMatchObject({ state: 'idle', covered: true });
});

test('a message that cannot be read ends in the dead-letter queue of its queue', async () => {
  const sender = bus.createSender(queues.images.name);
  await sender.sendMessages({ body: 'what is this?' });
  await eventually('it is dead-lettered', async () => (await deadLetters(queues.images.name)).length === 1);
  await stack.api('failures/redrive', { method: 'POST' });
  expect(await deadLetters(queues.images.name)).toEqual([]);
  expect(stack.log().some((line) => line.includes('a dead letter of images cannot be read'))).toBe(true);
});

describe('a face is found as soon as it is enrolled, while its group waits for a training', () => {
  const [known = '', other = '', third = ''] = franck;
  const running = { status: 'running', createdDateTime: 'x', lastActionDateTime: 'x', message: null };
  let endTraining: () => void;

  beforeAll(async () => {
    await stack.drop('enroll/slow/audrey/1.jpg', portrait('audrey_crop.jpg'));
    await stack.covered('slow');
    // A training that Face has accepted and that takes as long as the test likes: no answer below can come from it.
    const stopAccepting = proxy.breakUntil('POST', /\/slow\/train$/, { kind: 'answered', status: 202 });
    const stopRunning = proxy.breakUntil('GET', /\/slow\/training$/, {
      kind: 'answered',
      status: 200,
      body: running,
    });
    endTraining = () => {
      stopAccepting();
      stopRunning();
      proxy.break('GET', /\/slow\/training$/, {
        kind: 'answered',
        status: 200,
        body: { ...running, status: 'failed' },
      });
    };
  });

  async function whoIsOn(picture: string, query = ''): Promise<{ person: string; confidence: number }[]> {
    const { status, body } = await stack.postPicture(`groups/slow/identify${query}`, portrait(picture));
    expect(status).toBe(200);
    const { faces } = body as { faces: { candidates: { person: string; confidence: number }[] }[] };
    return faces[0]?.candidates ?? [];
  }

  test('the best candidate first, within the threshold', async () => {
    expect(await whoIsOn(other)).toEqual([]);

    await stack.drop('enroll/slow/franck/1.jpg', portrait(known));
    await stack.settled('enroll/slow/franck/1.jpg', 'enrolled');
    const [franckFound] = await whoIsOn(other);
    expect(franckFound?.person).toBe('franck');
    expect(franckFound?.confidence).toBeGreaterThan(0.5);
    expect(await whoIsOn(other, '?confidenceThreshold=1')).toEqual([]);
    expect((await whoIsOn('audrey_crop.jpg')).map(({ person }) => person)).toEqual(['audrey']);
    expect((await stack.group('slow')).training.covered).toBe(false);

    await stack.drop('enroll/slow/twin/1.jpg', portrait(third));
    await stack.settled('enroll/slow/twin/1.jpg', 'enrolled');
    const both = await whoIsOn(other, '?maxCandidates=5');
    expect(both.map(({ person }) => person).toSorted()).toEqual(['franck', 'twin']);
    expect(both.map(({ confidence }) => confidence)).toEqual(
      both.map(({ confidence }) => confidence).toSorted((a, b) => b - a),
    );
    expect((await stack.group('slow')).training.covered).toBe(false);
  });

  test('a fresh face of a removed picture is found no more, and a covered one costs no further call', async () => {
    await stack.remove('enroll/slow/twin/1.jpg');
    await stack.settled('enroll/slow/twin/1.jpg', 'removed');
    expect((await whoIsOn(other, '?maxCandidates=5')).map(({ person }) => person)).toEqual(['franck']);

    endTraining();
    await stack.covered('slow');
    await eventually('no face is compared by its ID any more', async () => {
      const before = (await stack.calls()).byOperation['findSimilar'] ?? 0;
      expect((await whoIsOn(other, '?maxCandidates=5')).map(({ person }) => person)).toEqual(['franck']);
      return ((await stack.calls()).byOperation['findSimilar'] ?? 0) === before;
    });
  });
});
