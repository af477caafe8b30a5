import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { redrive } from '../../cli/client.ts';
import { queues } from '../../shared/resources.ts';
import { eventually } from '../helpers/eventually.ts';
import { startFaultyProxy, type Fault } from '../helpers/faultyProxy.ts';
import { portrait } from '../helpers/pictures.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

let proxy: Awaited<ReturnType<typeof startFaultyProxy>>;
let stack: TestStack;
let bus: ServiceBusClient;

beforeAll(async () => {
  proxy = await startFaultyProxy();
  stack = await startTestStack({ settings: { FACE_ENDPOINT: proxy.url } });
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
  await redrive(['--data', stack.stack.dataDir]);
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

test('a doorbell that cannot be read ends in the dead-letter queue of its queue', async () => {
  const sender = bus.createSender(queues.pictures.name);
  await sender.sendMessages({ body: 'what is this?' });
  await eventually('it is dead-lettered', async () => (await deadLetters(queues.pictures.name)).length === 1);
  await stack.api('failures/redrive', { method: 'POST' });
  expect(await deadLetters(queues.pictures.name)).toEqual([]);
  expect(stack.log().some((line) => line.includes('a dead letter of pictures cannot be read'))).toBe(true);
});
