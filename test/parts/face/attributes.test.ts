import { afterEach, expect, test } from 'vitest';
import type { OptionalAttributes, Vision, Wanted } from '../../../emulators/face/contract/vision.ts';
import { createFakeVision, picture } from './fakeVision.ts';
import { callsOf, startTestFace, type TestFace } from './harness.ts';

let face: TestFace | undefined;

afterEach(() => face?.close());

const told: OptionalAttributes = {
  noise: { noiseLevel: 'low', value: 0.128 },
  glasses: 'noGlasses',
  occlusion: { foreheadOccluded: false, eyeOccluded: false, mouthOccluded: true },
  accessories: [{ type: 'headwear', confidence: 0.987 }],
  mask: { type: 'faceMask', noseAndMouthCovered: true },
  age: 41.6,
  gender: 'female',
  smile: 0,
  emotion: { happiness: 0.98765, neutral: 0.01235 },
};

/** Models that can tell everything, and note what they are asked for. */
function seeingVision(asked: Wanted[]): Vision {
  const fake = createFakeVision();
  return {
    ...fake,
    async analyze(image, wanted) {
      asked.push(wanted);
      const { faces, ...size } = await fake.analyze(image, wanted);
      return { ...size, faces: faces.map((found) => ({ ...found, ...told })) };
    },
  };
}

async function start(attributesRetired: boolean) {
  const asked: Wanted[] = [];
  face = await startTestFace({ vision: seeingVision(asked), attributesRetired });
  const attributes = async (version: 'v1.0' | 'v1.2', query: string) => {
    const path = `/detect?returnFaceId=false&${query}`;
    const { ask } = callsOf((face as TestFace).ready, version);
    const [found] = await ask<{ faceAttributes: unknown }[]>('POST', path, picture('ann'));
    return found?.faceAttributes;
  };
  return { asked, attributes, call: face.call };
}

test('each version spells attributes in its way', async () => {
  const { attributes } = await start(false);
  const query = 'returnFaceAttributes=noise,glasses,occlusion,accessories';
  const others = { noise: { noiseLevel: 'low', value: 0.13 }, occlusion: told.occlusion };
  expect(await attributes('v1.0', query)).toEqual({
    ...others,
    glasses: 'NoGlasses',
    accessories: [{ type: 'headWear', confidence: 0.99 }],
  });
  expect(await attributes('v1.2', query)).toEqual({
    ...others,
    glasses: 'noGlasses',
    accessories: [{ type: 'headwear', confidence: 0.99 }],
  });
  expect(await attributes('v1.2', 'detectionModel=detection_03&returnFaceAttributes=mask')).toEqual({
    mask: told.mask,
  });
});

test('the models are told what a call is about', async () => {
  const { asked, attributes } = await start(false);
  await attributes('v1.2', 'returnFaceAttributes=blur&returnFaceLandmarks=true');
  // Without a face ID nobody can recognise them: no model is named.
  expect(asked.at(-1)).toMatchObject({
    detectionModel: 'detection_01',
    landmarks: true,
    attributes: ['blur'],
  });
  expect(asked.at(-1)?.recognitionModel).toBeUndefined();
  const { ask, person } = face as TestFace;
  await ask('POST', '/detect?recognitionModel=recognition_02', picture('ann'));
  expect(asked.at(-1)).toMatchObject({
    recognitionModel: 'recognition_02',
    landmarks: false,
    attributes: [],
  });
  await ask('PUT', '/persongroups/g', { name: 'g', recognitionModel: 'recognition_03' });
  await person('/persongroups/g', 'ann', picture('ann'));
  expect(asked.at(-1)).toEqual({
    detectionModel: 'detection_03',
    recognitionModel: 'recognition_03',
    landmarks: false,
    attributes: [],
  });
});

test('retired attributes are answered only where the operator wants them', async () => {
  const { attributes } = await start(true);
  for (const model of ['detection_01', 'detection_03']) {
    const query = `detectionModel=${model}&returnFaceAttributes=age,gender,smile,emotion`;
    expect(await attributes('v1.0', query)).toEqual({
      age: 42,
      gender: 'female',
      smile: 0,
      emotion: { happiness: 0.988, neutral: 0.012 },
    });
  }
});

test("the quickstart's call for all attributes of old is answered, without what no model can tell", async () => {
  const all =
    'age,gender,headPose,smile,facialHair,glasses,emotion,hair,makeup,occlusion,accessories,blur,exposure,noise';
  const query = 'detectionModel=detection_01&returnFaceAttributes=';
  const { attributes } = await start(true);
  const answered = await attributes('v1.0', query + all);
  expect(answered).toMatchObject({ age: 42, gender: 'female', glasses: 'NoGlasses' });
  for (const name of ['facialHair', 'hair', 'makeup']) expect(answered).not.toHaveProperty(name);
  // Names are compared without case, and answered as they are documented.
  expect(await attributes('v1.0', query + all.toUpperCase())).toEqual(answered);
});

test('numbers are written as the real service writes them', async () => {
  const { call } = await start(true);
  const { ready } = face as TestFace;
  const text = async (path: string, body: Uint8Array | string) => {
    const isJson = typeof body === 'string';
    const response = await fetch(`${ready.endpoint}/face/v1.0${path}`, {
      method: 'POST',
      headers: {
        'ocp-apim-subscription-key': ready.key,
        'content-type': isJson ? 'application/json' : 'application/octet-stream',
      },
      body: isJson ? body : new Uint8Array(body),
    });
    return response.text();
  };
  const detected = await text(
    '/detect?returnFaceLandmarks=true&returnFaceAttributes=age,smile,headPose',
    picture('ann'),
  );
  expect(detected).toContain('"faceRectangle":{"left":10,"top":10,"width":100,"height":120}');
  expect(detected).toContain('"noseTip":{"x":1.3,"y":2.0}');
  expect(detected).toContain('"yaw":0.0');
  expect(detected).toContain('"age":42.0,"smile":0.0');
  const [found] = JSON.parse(detected) as { faceId: string }[];
  const verified = await text('/verify', JSON.stringify({ faceId1: found?.faceId, faceId2: found?.faceId }));
  expect(verified).toBe('{"isIdentical":true,"confidence":1.0}');
  expect((await call('GET', '/persongroups')).body).toEqual([]);
});
