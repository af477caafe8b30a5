import createClient from '@azure-rest/ai-vision-face';
import { AzureKeyCredential } from '@azure/core-auth';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVision } from '../../infra/local/face/models/vision.ts';
import { startFace, type FaceReady } from '../../infra/local/face/service.ts';
import type { Vision } from '../../infra/local/face/vision.ts';
import type { RunningPart } from '../../infra/local/part.ts';
import { eventually } from '../helpers/eventually.ts';
import { startPartProcess } from '../helpers/partProcess.ts';
import { groupPicture, portrait } from '../helpers/pictures.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

let vision: Vision;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let face: RunningPart<FaceReady>;
// A mocked clock, for lifetimes of a day.
let aheadMs = 0;

beforeAll(async () => {
  vision = await createVision({ workers: 1 });
  folder = await temporaryFolder();
  face = await startFace({
    dataDir: folder.path,
    port: 0,
    quota: 'none',
    vision,
    now: () => Date.now() + aheadMs,
  });
});

afterAll(async () => {
  await face.close();
  await vision.close();
  await folder.remove();
});

type Answer = { status: number; headers: Headers; body: unknown };

async function call(
  method: string,
  path: string,
  body?: Uint8Array | object,
  key = face.ready.key,
): Promise<Answer> {
  const bytes = body instanceof Uint8Array;
  const response = await fetch(`${face.ready.endpoint}/face/v1.2${path}`, {
    method,
    headers: {
      'ocp-apim-subscription-key': key,
      ...(body === undefined
        ? {}
        : { 'content-type': bytes ? 'application/octet-stream' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: bytes ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

async function detectOne(bytes: Uint8Array, query = 'recognitionModel=recognition_04'): Promise<string> {
  const { body } = await call('POST', `/detect?detectionModel=detection_03&${query}`, bytes);
  const [first] = body as { faceId: string }[];
  if (first === undefined) throw new Error('no face was detected');
  return first.faceId;
}

async function createPerson(group: string, name: string): Promise<string> {
  const { body } = await call('POST', `/largepersongroups/${group}/persons`, { name });
  return (body as { personId: string }).personId;
}

async function train(group: string): Promise<void> {
  const answer = await call('POST', `/largepersongroups/${group}/train`);
  expect(answer.status).toBe(202);
  const location = answer.headers.get('operation-location');
  expect(location).toBe(`${face.ready.endpoint}/face/v1.2/largepersongroups/${group}/training`);
  await eventually('the training ends', async () => {
    const { body } = await call('GET', `/largepersongroups/${group}/training`);
    return (body as { status: string }).status !== 'running';
  });
}

test.each(['v1.0', 'v1.2'] as const)(
  'the official client enrolls, trains and identifies over %s',
  async (version) => {
    const client = createClient(face.ready.endpoint, new AzureKeyCredential(face.ready.key), {
      allowInsecureConnection: true,
      // The client's types know v1.2 only; the service has both.
      apiVersion: version as 'v1.2',
    });
    const group = `official-${version.replace('.', '-')}`;
    const path = '/largepersongroups/{largePersonGroupId}' as const;
    const created = await client
      .path(path, group)
      .put({ body: { name: 'Official', recognitionModel: 'recognition_04' } });
    expect(created.status).toBe('200');
    const person = await client
      .path('/largepersongroups/{largePersonGroupId}/persons', group)
      .post({ body: { name: 'Franck' } });
    const { personId } = person.body as { personId: string };
    // Two faces at once for one person: they queue, and neither is refused.
    const added = await Promise.all(
      ['franck_01829.jpg', 'franck_02045.jpg'].map((file) =>
        client
          .path('/largepersongroups/{largePersonGroupId}/persons/{personId}/persistedfaces', group, personId)
          .post({
            contentType: 'application/octet-stream',
            body: portrait(file),
            queryParameters: { detectionModel: 'detection_03', userData: file },
          }),
      ),
    );
    expect(added.map(({ status }) => status)).toEqual(['200', '200']);
    await train(group);
    const detected = await client.path('/detect').post({
      contentType: 'application/octet-stream',
      body: portrait('franck_04117.jpg'),
      queryParameters: {
        detectionModel: 'detection_03',
        recognitionModel: 'recognition_04',
        returnFaceId: true,
        returnFaceLandmarks: true,
        returnFaceAttributes: ['headPose', 'blur', 'exposure', 'qualityForRecognition'],
      },
    });
    const [found] = detected.body as unknown as {
      faceId: string;
      faceLandmarks: object;
      faceAttributes: object;
    }[];
    expect(Object.keys(found?.faceLandmarks ?? {})).toHaveLength(27);
    expect(found?.faceAttributes).toMatchObject({
      qualityForRecognition: 'high',
      exposure: { exposureLevel: 'goodExposure' },
    });
    const identified = await client
      .path('/identify')
      .post({ body: { faceIds: [found?.faceId ?? ''], largePersonGroupId: group } });
    expect(identified.body).toMatchObject([{ faceId: found?.faceId, candidates: [{ personId }] }]);
  },
);

test('the same picture is 1, another of the same person above 0.5, a stranger below', async () => {
  const [a, same, other, stranger] = await Promise.all(
    ['franck_01829.jpg', 'franck_01829.jpg', 'franck_04117.jpg', 'obama4_crop.jpg'].map((file) =>
      detectOne(portrait(file)),
    ),
  );
  const verify = async (faceId2: string | undefined) =>
    (await call('POST', '/verify', { faceId1: a, faceId2 })).body;
  expect(await verify(same)).toEqual({ isIdentical: true, confidence: 1 });
  expect(await verify(other)).toMatchObject({ isIdentical: true });
  expect(await verify(stranger)).toMatchObject({ isIdentical: false });
  const faceIds = [same, other, stranger];
  const similar = await call('POST', '/findsimilars', { faceId: a, faceIds });
  expect((similar.body as { faceId: string }[]).map(({ faceId }) => faceId)).toEqual([same, other]);
  const ranked = await call('POST', '/findsimilars', { faceId: a, faceIds, mode: 'matchFace' });
  expect(ranked.body).toHaveLength(3);
  const grouped = await call('POST', '/group', { faceIds: [a, ...faceIds] });
  expect(grouped.body).toMatchObject({ messyGroup: [stranger] });
  const [together] = (grouped.body as { groups: string[][] }).groups;
  expect(new Set(together)).toEqual(new Set([a, same, other]));
});

test('adding a face looks at the target only, and refuses what holds none or several', async () => {
  await call('PUT', '/largepersongroups/targets', { name: 'targets', recognitionModel: 'recognition_04' });
  const person = await createPerson('targets', 'one of three');
  const path = `/largepersongroups/targets/persons/${person}/persistedfaces?detectionModel=detection_03`;
  const several = await call('POST', path, groupPicture(1));
  expect(several).toMatchObject({
    status: 400,
    body: { error: { code: 'InvalidImage', message: expect.stringContaining('more than 1') as string } },
  });
  const none = await call('POST', path, portrait('scream_crop.jpg'));
  expect(none).toMatchObject({
    status: 400,
    body: { error: { code: 'InvalidImage', message: expect.stringContaining('No face') as string } },
  });
  const { body } = await call('POST', '/detect?detectionModel=detection_03', groupPicture(1));
  const { left, top, width, height } =
    (body as { faceRectangle: Record<string, number> }[])[1]?.faceRectangle ?? {};
  const added = await call(
    'POST',
    `${path}&targetFace=${left},${top},${width},${height}&userData=key`,
    groupPicture(1),
  );
  expect(added.status).toBe(200);
  const { persistedFaceId } = added.body as { persistedFaceId: string };
  const read = await call(
    'GET',
    `/largepersongroups/targets/persons/${person}/persistedfaces/${persistedFaceId}`,
  );
  expect(read.body).toEqual({ persistedFaceId, userData: 'key' });
  expect((await call('POST', `${path}&targetFace=1,2,3`, groupPicture(1))).body).toMatchObject({
    error: { code: 'BadArgument', message: 'Invalid argument targetFace.' },
  });
});

test('an ID is not known after its lifetime, and each operation says so in its own way', async () => {
  const faceId = await detectOne(portrait('cage.jpg'), 'recognitionModel=recognition_04&faceIdTimeToLive=60');
  await call('PUT', '/largepersongroups/lifetimes', { name: 'x', recognitionModel: 'recognition_04' });
  aheadMs += 61_000;
  const verify = await call('POST', '/verify', { faceId1: faceId, faceId2: faceId });
  expect(verify).toMatchObject({ status: 404, body: { error: { code: 'FaceNotFound' } } });
  const similar = await call('POST', '/findsimilars', { faceId, faceIds: [faceId] });
  expect(similar).toMatchObject({ status: 400, body: { error: { code: 'FaceNotFound' } } });
});

test('a group without a face fails to train; an untrained one is no group to identify in', async () => {
  await call('PUT', '/largepersongroups/hollow', { name: 'hollow', recognitionModel: 'recognition_04' });
  expect(await call('GET', '/largepersongroups/hollow/training')).toMatchObject({
    status: 404,
    body: { error: { code: 'LargePersonGroupNotTrained' } },
  });
  const faceIds = [await detectOne(portrait('cage.jpg'))];
  expect(await call('POST', '/identify', { faceIds, largePersonGroupId: 'hollow' })).toMatchObject({
    status: 400,
    body: { error: { code: 'LargePersonGroupNotTrained' } },
  });
  await train('hollow');
  expect((await call('GET', '/largepersongroups/hollow/training')).body).toMatchObject({ status: 'failed' });
});

test('faces of different recognition models do not compare', async () => {
  const old = await detectOne(portrait('cage.jpg'), 'recognitionModel=recognition_01');
  const current = await detectOne(portrait('cage.jpg'));
  expect(await call('POST', '/verify', { faceId1: old, faceId2: current })).toMatchObject({
    status: 400,
    body: { error: { code: 'BadArgument', message: "'recognitionModel' is incompatible." } },
  });
});

type Fault = [
  what: string,
  method: string,
  path: string,
  body: Uint8Array | object | undefined,
  status: number,
  code: string,
];

const id = '00000000-0000-4000-8000-000000000000';
const faults: Fault[] = [
  ['an unknown route', 'GET', '/nothing', undefined, 404, '404'],
  ['a bad group ID', 'PUT', '/largepersongroups/No', { name: 'x' }, 400, 'BadArgument'],
  ['a group without a name', 'PUT', '/largepersongroups/no', {}, 400, 'BadArgument'],
  [
    'an unknown model',
    'PUT',
    '/largepersongroups/no',
    { name: 'x', recognitionModel: 'recognition_09' },
    400,
    'BadArgument',
  ],
  ['an unknown group', 'GET', '/largepersongroups/none', undefined, 404, 'LargePersonGroupNotFound'],
  ['an unknown person', 'GET', `/largepersongroups/errors/persons/${id}`, undefined, 404, 'PersonNotFound'],
  ['a group that exists', 'PUT', '/largepersongroups/errors', { name: 'x' }, 409, 'LargePersonGroupExists'],
  ['an empty update', 'PATCH', '/largepersongroups/errors', {}, 400, 'BadArgument'],
  [
    'a retired attribute',
    'POST',
    '/detect?returnFaceAttributes=age',
    Buffer.alloc(2_000),
    403,
    'UnsupportedFeature',
  ],
  [
    'an unknown attribute',
    'POST',
    '/detect?returnFaceAttributes=aura',
    Buffer.alloc(2_000),
    400,
    'BadArgument',
  ],
  [
    'an attribute of another model',
    'POST',
    '/detect?detectionModel=detection_02&returnFaceAttributes=blur',
    Buffer.alloc(2_000),
    400,
    'BadArgument',
  ],
  ['a small file', 'POST', '/detect', Buffer.alloc(100), 400, 'InvalidImageSize'],
  ['a large file', 'POST', '/detect', Buffer.alloc(7_000_000), 400, 'InvalidImageSize'],
  ['no picture', 'POST', '/detect', Buffer.alloc(2_000, 'x'), 400, 'InvalidImage'],
  ['a short lifetime', 'POST', '/detect?faceIdTimeToLive=5', Buffer.alloc(2_000), 400, 'BadArgument'],
  ['no face IDs', 'POST', '/identify', { faceIds: [], largePersonGroupId: 'errors' }, 400, 'BadArgument'],
  [
    'eleven face IDs',
    'POST',
    '/identify',
    { faceIds: Array(11).fill(id), largePersonGroupId: 'errors' },
    400,
    'BadArgument',
  ],
  [
    'identify in no group',
    'POST',
    '/identify',
    { faceIds: [id], largePersonGroupId: 'none' },
    400,
    'LargePersonGroupNotFound',
  ],
  ['a page too large', 'GET', '/largepersongroups?top=1001', undefined, 400, 'BadArgument'],
];

test.each(faults)(
  '%s is answered in the words of the contract',
  async (_what, method, path, body, status, code) => {
    await call('PUT', '/largepersongroups/errors', { name: 'errors' });
    const answer = await call(method, path, body);
    expect(answer).toMatchObject({ status, body: { error: { code } } });
  },
);

test('without the key nobody gets anywhere', async () => {
  const answer = await call('GET', '/largepersongroups', undefined, 'wrong');
  expect(answer).toMatchObject({ status: 401, body: { error: { code: '401' } } });
});

test('the quota refuses the call too many, says when to come again, and lets it pass then', async () => {
  const data = await temporaryFolder();
  let ahead = 0;
  const limited = await startFace({
    dataDir: data.path,
    port: 0,
    quota: { calls: 3, perSeconds: 60 },
    vision,
    now: () => Date.now() + ahead,
  });
  const list = () =>
    fetch(`${limited.ready.endpoint}/face/v1.2/largepersongroups`, {
      headers: { 'ocp-apim-subscription-key': limited.ready.key },
    });
  expect([(await list()).status, (await list()).status, (await list()).status]).toEqual([200, 200, 200]);
  const refused = await list();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
  expect(await refused.json()).toMatchObject({
    error: { code: '429', message: expect.stringMatching(/Try again in \d+ seconds/) as string },
  });
  ahead = 61_000;
  expect((await list()).status).toBe(200);
  const metrics = await (await fetch(`${limited.ready.endpoint}/metrics`)).text();
  expect(metrics).toContain('face_requests_total{operation="listGroups",status="429"} 1');
  expect(metrics).toContain('face_requests_total{operation="listGroups",status="200"} 4');
  await limited.close();
  await data.remove();
});

test('a killed service remembers what it answered', async () => {
  const data = await temporaryFolder();
  const options = { dataDir: data.path, port: 0, quota: 'none' };
  const first = await startPartProcess<FaceReady>('face', options);
  const at = (ready: FaceReady) => async (method: string, path: string, body?: object) => {
    const response = await fetch(`${ready.endpoint}/face/v1.2/largepersongroups${path}`, {
      method,
      headers: { 'ocp-apim-subscription-key': ready.key, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  };
  await at(first.ready)('PUT', '/g', { name: 'kept', userData: 'too' });
  const { personId } = (await at(first.ready)('POST', '/g/persons', { name: 'p' })) as { personId: string };
  await first.kill();
  const second = await startPartProcess<FaceReady>('face', options);
  expect(second.ready.key).toBe(first.ready.key);
  expect(await at(second.ready)('GET', '/g')).toEqual({
    largePersonGroupId: 'g',
    name: 'kept',
    userData: 'too',
  });
  expect(await at(second.ready)('GET', `/g/persons/${personId}`)).toEqual({
    personId,
    name: 'p',
    persistedFaceIds: [],
  });
  await second.stop();
  await data.remove();
});
