import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeVision, landmarkNames, picture } from './fakeVision.ts';
import { callsOf, startTestFace, type TestFace } from './harness.ts';

let face: TestFace;
let pictures: Server;
let base: string;

beforeAll(async () => {
  face = await startTestFace({ vision: createFakeVision() });
  pictures = createServer((request, response) => {
    if (request.url === '/ann.bmp') return response.end(picture('ann'));
    if (request.url === '/moved') return response.writeHead(302, { location: '/ann.bmp' }).end();
    if (request.url === '/to-a-file')
      return response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    if (request.url === '/large') return response.end(Buffer.alloc(7_000_000, 'BM'));
    // Begins and never ends.
    if (request.url === '/endless') return response.write('BM');
    return response.writeHead(404).end();
  });
  await new Promise<void>((done) => {
    pictures.listen(0, '127.0.0.1', done);
  });
  base = `http://127.0.0.1:${(pictures.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await face.close();
  pictures.closeAllConnections();
  pictures.close();
});

test('by default an answer is a face ID and a rectangle', async () => {
  const faces = await face.ask('POST', '/detect', picture('ann', 'ben'));
  const faceId = expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/) as string;
  expect(faces).toEqual([
    { faceId, faceRectangle: { left: 10, top: 10, width: 100, height: 120 } },
    { faceId, faceRectangle: { left: 210, top: 10, width: 100, height: 120 } },
  ]);
});

test('without faces the answer is empty, and never has more than 100', async () => {
  expect(await face.ask('POST', '/detect', picture())).toEqual([]);
  const crowd = Array.from({ length: 120 }, (_, index) => `p${index}`);
  expect(await face.ask('POST', '/detect', picture(...crowd))).toHaveLength(100);
});

test('what is asked for comes with one decimal, and what the models cannot tell is left out', async () => {
  const names = 'headPose,blur,exposure,glasses,occlusion,mask,qualityForRecognition';
  const query = `detectionModel=detection_03&recognitionModel=recognition_04&returnFaceLandmarks=true&returnFaceId=false`;
  for (const list of [names, encodeURIComponent(names), names.replaceAll(',', '&returnFaceAttributes=')]) {
    const [found] = await face.ask<object[]>(
      'POST',
      `/detect?${query}&returnFaceAttributes=${list}&returnRecognitionModel=true`,
      picture('ann'),
    );
    expect(found).toEqual({
      faceRectangle: { left: 10, top: 10, width: 100, height: 120 },
      faceLandmarks: Object.fromEntries(landmarkNames.map((name) => [name, { x: 1.3, y: 2 }])),
      faceAttributes: {
        headPose: { pitch: 1.3, roll: -2.3, yaw: 0 },
        blur: { blurLevel: 'low', value: 0.12 },
        exposure: { exposureLevel: 'goodExposure', value: 0.5 },
        qualityForRecognition: 'high',
      },
    });
  }
});

test('the recognition model is told with the face ID, in both versions', async () => {
  for (const version of ['v1.0', 'v1.2'] as const) {
    const query = 'recognitionModel=recognition_02&returnRecognitionModel=true';
    const calls = callsOf(face.ready, version);
    expect(await calls.ask('POST', `/detect?${query}`, picture('ann'))).toMatchObject([
      { recognitionModel: 'recognition_02' },
    ]);
  }
});

test('every answer has the headers of the service', async () => {
  const good = await face.call('POST', '/detect', { body: picture('ann') });
  expect(good.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(good.headers.get('csp-billing-usage')).toBe('CognitiveServices.Face.Transaction=1');
  const refused = await face.call('POST', '/detect', { body: new Uint8Array(1) });
  const ids = [good, refused].map(({ headers }) => headers.get('apim-request-id'));
  expect(ids[0]).toMatch(/^[\da-f-]{36}$/);
  expect(ids[1]).not.toBe(ids[0]);
  for (const { headers } of [good, refused]) {
    expect(headers.get('x-envoy-upstream-service-time')).toMatch(/^\d+$/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  }
});

test('a picture is downloaded from its URL, over redirects too', async () => {
  const detected = await face.ask<unknown[]>('POST', '/detect', { url: `${base}/ann.bmp` });
  expect(detected).toHaveLength(1);
  await face.create('/persongroups/urls');
  const person = await face.person('/persongroups/urls', 'ann');
  await face.ask('POST', `/persongroups/urls/persons/${person}/persistedfaces`, { url: `${base}/moved` });
});

const downloadFault =
  'Invalid image URL or error downloading from target server. Remote server error returned: "An error occurred while sending the request."';
test.each([
  ['file:///etc/passwd', 'InvalidURL', 'Invalid image URL.'],
  ['data:image/png;base64,AAAA', 'InvalidURL', 'Invalid image URL.'],
  ['no URL', 'InvalidURL', 'Invalid image URL.'],
  ['/nothing', 'InvalidURL', downloadFault],
  ['/to-a-file', 'InvalidURL', downloadFault],
  ['http://127.0.0.1:1/', 'InvalidURL', downloadFault],
  ['/large', 'InvalidImageSize', 'Image size is too big.'],
])('%s is refused', async (url, code, message) => {
  const body = { url: url.startsWith('/') ? `${base}${url}` : url };
  expect(await face.call('POST', '/detect', { body })).toMatchObject({
    status: 400,
    body: { error: { code, message } },
  });
});

test('a picture that never ends to arrive is given up', async () => {
  const impatient = await startTestFace({ vision: createFakeVision(), urlTimeoutMs: 300 });
  expect(await impatient.call('POST', '/detect', { body: { url: `${base}/endless` } })).toMatchObject({
    status: 400,
    body: { error: { code: 'InvalidURL', message: downloadFault } },
  });
  await impatient.close();
});
