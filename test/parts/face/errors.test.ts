import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFakeVision, picture } from './fakeVision.ts';
import { kinds, startTestFace, type CallOptions, type TestFace } from './harness.ts';

const unknown = '00000000-0000-4000-8000-000000000000';

let face: TestFace;
let ahead = 0;
/** What the tables below name: filled in before the first test. */
const ids = { ann: '', faceless: '', detected: '', older: '', expired: '' };

beforeAll(async () => {
  face = await startTestFace({ vision: createFakeVision(), now: () => Date.now() + ahead });
  ids.expired = await face.detect(picture('ann'), 'recognitionModel=recognition_04&faceIdTimeToLive=60');
  ahead = 61_000;
  ids.detected = await face.detect(picture('ann'));
  ids.older = await face.detect(picture('ann'), 'recognitionModel=recognition_01');
  for (const { path } of kinds) await face.create(`/${path}/untrained`);
  for (const { path } of kinds) await face.create(`/${path}/errors`);
  ids.ann = await face.person('/largepersongroups/errors', 'ann', picture('ann'));
  ids.faceless = await face.person('/largepersongroups/errors', 'faceless');
  await face.train('/largepersongroups/errors');
});

afterAll(() => face.close());

type Body = CallOptions['body'] | (() => object);
type Case = [
  what: string,
  method: string,
  path: string,
  body: Body,
  status: number,
  code: string,
  message: string,
];

async function expectFault([, method, path, body, status, code, message]: Case): Promise<void> {
  const given = typeof body === 'function' ? body() : body;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: keyof typeof ids) => ids[name]);
  const answer = await face.call(method, filled, given === undefined ? {} : { body: given });
  expect(answer).toMatchObject({ status, body: { error: { code, message } } });
  expect(answer.headers.get('x-ms-error-code')).toBe(code);
}

const bad = [400, 'BadArgument'] as const;
const long = 'x'.repeat(16_385);

const detectCases: Case[] = [
  [
    'an unknown detection model',
    'POST',
    '/detect?detectionModel=detection_09',
    picture(),
    ...bad,
    "'detectionModel' is invalid.",
  ],
  [
    'an unknown recognition model',
    'POST',
    '/detect?recognitionModel=x',
    picture(),
    ...bad,
    "'recognitionModel' is invalid.",
  ],
  [
    'a retired attribute',
    'POST',
    '/detect?returnFaceAttributes=blur,emotion',
    picture(),
    403,
    'UnsupportedFeature',
    'Return Attributes (emotion, gender, age, smile, facial hair, hair and makeup) have been deprecated and are no longer supported.',
  ],
  [
    'an unknown attribute',
    'POST',
    '/detect?returnFaceAttributes=aura',
    picture(),
    ...bad,
    'Invalid argument returnFaceAttributes.',
  ],
  [
    'an attribute of another model',
    'POST',
    '/detect?detectionModel=detection_02&returnFaceAttributes=blur',
    picture(),
    ...bad,
    "'returnFaceAttributes' is not supported by detection_02.",
  ],
  [
    'mask with detection_01',
    'POST',
    '/detect?returnFaceAttributes=mask',
    picture(),
    ...bad,
    "'returnFaceAttributes' is not supported by detection_01.",
  ],
  [
    'quality of an old model',
    'POST',
    '/detect?returnFaceAttributes=qualityForRecognition',
    picture(),
    ...bad,
    "'qualityForRecognition' is not supported by recognition_01.",
  ],
  [
    'landmarks of detection_02',
    'POST',
    '/detect?detectionModel=detection_02&returnFaceLandmarks=true',
    picture(),
    ...bad,
    "'returnLandmarks' is not supported by detection_02.",
  ],
  [
    'a flag that is none',
    'POST',
    '/detect?returnFaceId=maybe',
    picture(),
    ...bad,
    "'returnFaceId' is invalid.",
  ],
  [
    'a short lifetime',
    'POST',
    '/detect?faceIdTimeToLive=59',
    picture(),
    ...bad,
    "'faceIdTimeToLive' is invalid.",
  ],
  [
    'a long lifetime',
    'POST',
    '/detect?faceIdTimeToLive=86401',
    picture(),
    ...bad,
    "'faceIdTimeToLive' is invalid.",
  ],
  ['no body', 'POST', '/detect', new Uint8Array(0), 400, 'InvalidImageSize', 'Image size is too small.'],
  [
    '1 KB less a byte',
    'POST',
    '/detect',
    Buffer.alloc(1_023),
    400,
    'InvalidImageSize',
    'Image size is too small.',
  ],
  [
    '6 MB and a byte',
    'POST',
    '/detect',
    Buffer.alloc(6_291_457),
    400,
    'InvalidImageSize',
    'Image size is too big.',
  ],
  [
    'much more',
    'POST',
    '/detect',
    Buffer.alloc(12_000_000),
    400,
    'InvalidImageSize',
    'Image size is too big.',
  ],
  [
    'no picture',
    'POST',
    '/detect',
    Buffer.alloc(2_000, 'x'),
    400,
    'InvalidImage',
    'Decoding error, image format unsupported.',
  ],
  [
    'half a picture',
    'POST',
    '/detect',
    Buffer.from('BM'.padEnd(2_000, 'x')),
    400,
    'InvalidImage',
    'Decoding error, image format unsupported.',
  ],
  ['JSON without a URL', 'POST', '/detect', { sessionImageId: unknown }, ...bad, 'Request body is invalid.'],
];

const scope = { largePersonGroupId: 'errors' };
const one = () => [ids.detected];
const recognitionCases: Case[] = [
  [
    'identify: no face IDs',
    'POST',
    '/identify',
    { faceIds: [], ...scope },
    ...bad,
    'The length of faceIds is not in a valid range.',
  ],
  [
    'identify: eleven',
    'POST',
    '/identify',
    { faceIds: Array(11).fill(unknown), ...scope },
    ...bad,
    'The length of faceIds is not in a valid range.',
  ],
  [
    'identify: an expired face',
    'POST',
    '/identify',
    () => ({ faceIds: [ids.expired], ...scope }),
    400,
    'FaceNotFound',
    'Face is not found.',
  ],
  [
    'identify: another model',
    'POST',
    '/identify',
    () => ({ faceIds: [ids.older], ...scope }),
    ...bad,
    "'recognitionModel' is incompatible.",
  ],
  [
    'identify: no group',
    'POST',
    '/identify',
    () => ({ faceIds: one() }),
    400,
    'PersonGroupIdAndLargePersonGroupIdBothNull',
    'Person group ID and large person group ID are both null.',
  ],
  [
    'identify: two groups',
    'POST',
    '/identify',
    () => ({ faceIds: one(), ...scope, personGroupId: 'errors' }),
    400,
    'PersonGroupIdAndLargePersonGroupIdBothNotNull',
    'Person group ID and large person group ID are both not null.',
  ],
  [
    'identify: too many candidates',
    'POST',
    '/identify',
    () => ({ faceIds: one(), ...scope, maxNumOfCandidatesReturned: 101 }),
    ...bad,
    'The argument maxNumOfCandidatesReturned is not valid.',
  ],
  [
    'identify: a threshold over 1',
    'POST',
    '/identify',
    () => ({ faceIds: one(), ...scope, confidenceThreshold: 1.1 }),
    ...bad,
    'The argument confidenceThreshold is not valid.',
  ],
  [
    'verify: an expired face',
    'POST',
    '/verify',
    () => ({ faceId1: ids.expired, faceId2: ids.detected }),
    404,
    'FaceNotFound',
    'Face is not found.',
  ],
  ['verify: no ID', 'POST', '/verify', { faceId1: 'x', faceId2: 'y' }, ...bad, 'Face ID is invalid.'],
  [
    'verify: another model',
    'POST',
    '/verify',
    () => ({ faceId1: ids.older, faceId2: ids.detected }),
    ...bad,
    "'recognitionModel' is incompatible.",
  ],
  [
    'verify: an unknown person',
    'POST',
    '/verify',
    () => ({ faceId: ids.detected, personId: unknown, ...scope }),
    404,
    'PersonNotFound',
    `Person ${unknown} is not found.`,
  ],
  [
    'verify: no person ID',
    'POST',
    '/verify',
    () => ({ faceId: ids.detected, personId: 'x', ...scope }),
    ...bad,
    'Person ID is invalid.',
  ],
  [
    'verify: a person without faces',
    'POST',
    '/verify',
    () => ({ faceId: ids.detected, personId: ids.faceless, ...scope }),
    404,
    'PersistedFaceNotFound',
    'No persisted face of the person is found.',
  ],
  [
    'find similar: nothing to search',
    'POST',
    '/findsimilars',
    () => ({ faceId: ids.detected }),
    ...bad,
    'LargeFaceListId, faceListId and faceIds are all null.',
  ],
  [
    'find similar: two things',
    'POST',
    '/findsimilars',
    () => ({ faceId: ids.detected, faceIds: one(), faceListId: 'l' }),
    ...bad,
    '2 or more of largeFaceListId, faceListId and faceIds are not null.',
  ],
  [
    'find similar: a list',
    'POST',
    '/findsimilars',
    () => ({ faceId: ids.detected, largeFaceListId: 'l' }),
    400,
    'LargeFaceListNotFound',
    'Large face list is not found.',
  ],
  [
    'find similar: a mode that is none',
    'POST',
    '/findsimilars',
    () => ({ faceId: ids.detected, faceIds: one(), mode: 'x' }),
    ...bad,
    'Mode is invalid.',
  ],
  [
    'find similar: an expired face',
    'POST',
    '/findsimilars',
    () => ({ faceId: ids.detected, faceIds: [ids.expired] }),
    400,
    'FaceNotFound',
    'Face is not found.',
  ],
  [
    'group: a single face',
    'POST',
    '/group',
    () => ({ faceIds: one() }),
    ...bad,
    'The length of faceIds is not in a valid range.',
  ],
  [
    'group: an unknown face',
    'POST',
    '/group',
    () => ({ faceIds: [ids.detected, unknown] }),
    400,
    'FaceNotFound',
    'Face is not found.',
  ],
  ['a JSON array', 'POST', '/verify', [], ...bad, 'Request body is invalid.'],
  ['an unknown route', 'GET', '/nothing', undefined, 404, '404', 'Resource not found'],
];

test.each([...detectCases, ...recognitionCases])('%s', (...row) => expectFault(row));

describe.each(kinds)('$path', ({ path, code, title, idProperty }) => {
  const g = `/${path}/errors`;
  const cases: Case[] = [
    ['a bad ID on create', 'PUT', `/${path}/No`, { name: 'x' }, ...bad, `${title} ID is invalid.`],
    [
      'a long ID on create',
      'PUT',
      `/${path}/${'a'.repeat(65)}`,
      { name: 'x' },
      ...bad,
      `${title} ID is invalid.`,
    ],
    ['no name', 'PUT', `/${path}/new`, {}, ...bad, "'name' is empty."],
    ['a long name', 'PUT', `/${path}/new`, { name: 'x'.repeat(129) }, ...bad, "'name' is too long."],
    [
      'long user data',
      'PUT',
      `/${path}/new`,
      { name: 'x', userData: long },
      ...bad,
      "'userData' is too long.",
    ],
    [
      'an unknown model',
      'PUT',
      `/${path}/new`,
      { name: 'x', recognitionModel: 'recognition_09' },
      ...bad,
      "'recognitionModel' is invalid.",
    ],
    ['a group that exists', 'PUT', g, { name: 'x' }, 409, `${code}Exists`, `${title} already exists.`],
    ['an unknown group', 'GET', `/${path}/none`, undefined, 404, `${code}NotFound`, `${title} is not found.`],
    ['a bad ID on read', 'GET', `/${path}/No`, undefined, 404, `${code}NotFound`, `${title} ID is invalid.`],
    ['an empty update', 'PATCH', g, {}, ...bad, "Both 'name' and 'userData' are empty."],
    ['a page too large', 'GET', `/${path}?top=1001`, undefined, ...bad, "'top' is invalid."],
    [
      'a start too long',
      'GET',
      `/${path}?start=${'a'.repeat(65)}`,
      undefined,
      ...bad,
      "'start' is too long.",
    ],
    [
      'persons of no group',
      'GET',
      `/${path}/none/persons`,
      undefined,
      404,
      `${code}NotFound`,
      `${title} is not found.`,
    ],
    [
      'an unknown person',
      'GET',
      `${g}/persons/${unknown}`,
      undefined,
      404,
      'PersonNotFound',
      `Person ${unknown} is not found.`,
    ],
    ['no person ID', 'DELETE', `${g}/persons/x`, undefined, 404, 'PersonNotFound', 'Person ID is invalid.'],
    ['a person without a name', 'POST', `${g}/persons`, { name: '' }, ...bad, "'name' is empty."],
    [
      'the training of none',
      'GET',
      `/${path}/none/training`,
      undefined,
      404,
      `${code}NotFound`,
      `${title} is not found.`,
    ],
    [
      'no training yet',
      'GET',
      `/${path}/untrained/training`,
      undefined,
      404,
      `${code}NotTrained`,
      `${title} not trained.`,
    ],
    [
      'identify untrained',
      'POST',
      '/identify',
      () => ({ faceIds: one(), [idProperty]: 'untrained' }),
      400,
      `${code}NotTrained`,
      `${title} not trained.`,
    ],
    [
      'identify in no group',
      'POST',
      '/identify',
      () => ({ faceIds: one(), [idProperty]: 'none' }),
      400,
      `${code}NotFound`,
      `${title} is not found.`,
    ],
    [
      'identify with a bad ID',
      'POST',
      '/identify',
      () => ({ faceIds: one(), [idProperty]: 'No' }),
      ...bad,
      `${title} ID is invalid.`,
    ],
  ];
  test.each(cases)('%s', (...row) => expectFault(row));
});

const faces = '/largepersongroups/errors/persons/{ann}/persistedfaces';
const two = picture('ann', 'ben');
const addFaceCases: Case[] = [
  ['no face', 'POST', faces, picture(), 400, 'InvalidImage', 'No face detected in the image.'],
  ['several faces', 'POST', faces, two, 400, 'InvalidImage', 'There is more than 1 face in the image.'],
  [
    'a target of three numbers',
    'POST',
    `${faces}?targetFace=1,2,3`,
    two,
    ...bad,
    'Invalid argument targetFace.',
  ],
  [
    'a target without height',
    'POST',
    `${faces}?targetFace=1,2,3,0`,
    two,
    ...bad,
    'Argument targetFace out of range.',
  ],
  [
    'a target outside',
    'POST',
    `${faces}?targetFace=990,0,100,100`,
    two,
    ...bad,
    'Argument targetFace out of range.',
  ],
  [
    'a target on nobody',
    'POST',
    `${faces}?targetFace=700,300,100,100`,
    two,
    400,
    'InvalidImage',
    'No face detected in the image.',
  ],
  [
    'a target on everybody',
    'POST',
    `${faces}?targetFace=0,0,1000,500`,
    two,
    400,
    'InvalidImage',
    'There is more than 1 face in the image.',
  ],
  [
    'long user data',
    'POST',
    `${faces}?userData=${'x'.repeat(1_025)}`,
    picture('ann'),
    ...bad,
    "'userData' is too long.",
  ],
  [
    'an unknown detection model',
    'POST',
    `${faces}?detectionModel=x`,
    picture('ann'),
    ...bad,
    "'detectionModel' is invalid.",
  ],
  [
    'an unknown face',
    'GET',
    `${faces}/${unknown}`,
    undefined,
    404,
    'PersistedFaceNotFound',
    `Persisted face ${unknown} is not found.`,
  ],
  [
    'no face ID',
    'GET',
    `${faces}/x`,
    undefined,
    404,
    'PersistedFaceNotFound',
    'Persisted face ID is invalid.',
  ],
];

test.each(addFaceCases)('persisted faces: %s', (...row) => expectFault(row));

test('bodies that are not what they say', async () => {
  const as = (type: string, text: string) =>
    face.call('POST', '/verify', { body: Buffer.from(text), headers: { 'content-type': type } });
  expect(await as('application/json; charset=utf-8', '{')).toMatchObject({
    status: 400,
    body: { error: { code: 'BadArgument', message: 'JSON parsing error.' } },
  });
  expect(await as('text/plain', '{}')).toMatchObject({
    status: 415,
    body: { error: { code: 'BadArgument', message: 'Invalid Media Type.' } },
  });
  const image = { body: picture('ann'), headers: { 'content-type': 'image/jpeg' } };
  expect((await face.call('POST', '/detect', image)).status).toBe(415);
});

test('without the key nobody gets anywhere', async () => {
  for (const key of ['wrong', '', `${face.ready.key}x`]) {
    const answer = await face.call('GET', '/largepersongroups', { key });
    expect(answer).toMatchObject({ status: 401, body: { error: { code: '401' } } });
    expect(answer.headers.get('csp-billing-usage')).toBeNull();
  }
});
