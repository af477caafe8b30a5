import { FaceClient, type FaceModels } from '@azure/cognitiveservices-face';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { portrait } from '../../helpers/pictures.ts';
import { realVision } from '../../helpers/vision.ts';
import { startTestFace, type TestFace } from './harness.ts';

/* The real models, and Microsoft's client of v1.0 as it is. */

let face: TestFace;
let client: FaceClient;

beforeAll(async () => {
  face = await startTestFace({ vision: await realVision() });
  const credentials = {
    async signRequest<Signed extends { headers: { set(name: string, value: string): void } }>(
      request: Signed,
    ) {
      request.headers.set('ocp-apim-subscription-key', face.ready.key);
      return request;
    },
  };
  client = new FaceClient(credentials, face.ready.endpoint, { noRetryPolicy: true });
});

afterAll(() => face.close());

const models = { detectionModel: 'detection_03', recognitionModel: 'recognition_04' } as const;

async function detected(file: string): Promise<string> {
  const [found] = await client.face.detectWithStream(portrait(file), {
    ...models,
    returnFaceId: true,
    returnRecognitionModel: true,
  });
  expect(found).toMatchObject({ recognitionModel: 'recognition_04' });
  return found?.faceId ?? '';
}

async function trained(status: () => Promise<FaceModels.TrainingStatus>): Promise<void> {
  await eventually('the training succeeds', async () => (await status()).status === 'succeeded');
}

test('persons are enrolled, identified and verified', async () => {
  await client.personGroup.create('v1', 'Group', { recognitionModel: 'recognition_04', userData: 'u' });
  const { personId } = await client.personGroupPerson.create('v1', { name: 'Franck' });
  const added = await client.personGroupPerson.addFaceFromStream(
    'v1',
    personId,
    portrait('franck_01829.jpg'),
    { detectionModel: 'detection_03', userData: 'a face' },
  );
  expect(await client.personGroupPerson.getFace('v1', personId, added.persistedFaceId)).toMatchObject({
    persistedFaceId: added.persistedFaceId,
    userData: 'a face',
  });
  await client.personGroup.train('v1');
  await trained(() => client.personGroup.getTrainingStatus('v1'));
  const faceId = await detected('franck_04117.jpg');
  const [identified] = await client.face.identify([faceId], { personGroupId: 'v1' });
  expect(identified?.candidates.map((candidate) => candidate.personId)).toEqual([personId]);
  expect(await client.face.verifyFaceToPerson(faceId, personId, { personGroupId: 'v1' })).toMatchObject({
    isIdentical: true,
  });
  expect(await client.personGroupPerson.list('v1')).toMatchObject([
    { personId, name: 'Franck', persistedFaceIds: [added.persistedFaceId] },
  ]);
  await client.personGroup.deleteMethod('v1');
});

test('lists, small and large, are filled and searched', async () => {
  const faceId = await detected('franck_04117.jpg');
  await client.faceList.create('v1', 'List', { recognitionModel: 'recognition_04' });
  const small = await client.faceList.addFaceFromStream('v1', portrait('franck_01829.jpg'), models);
  await client.faceList.addFaceFromStream('v1', portrait('obama4_crop.jpg'), models);
  expect(await client.face.findSimilar(faceId, { faceListId: 'v1' })).toMatchObject([
    { persistedFaceId: small.persistedFaceId },
  ]);
  expect((await client.faceList.get('v1')).persistedFaces).toHaveLength(2);
  expect(await client.faceList.list()).toHaveLength(1);

  await client.largeFaceList.create('v1', 'Large', { recognitionModel: 'recognition_04' });
  const large = await client.largeFaceList.addFaceFromStream('v1', portrait('franck_01829.jpg'), models);
  await client.largeFaceList.train('v1');
  await trained(() => client.largeFaceList.getTrainingStatus('v1'));
  expect(await client.face.findSimilar(faceId, { largeFaceListId: 'v1', mode: 'matchFace' })).toMatchObject([
    { persistedFaceId: large.persistedFaceId },
  ]);
  expect(await client.largeFaceList.listFaces('v1')).toHaveLength(1);
});

test('a face of another recognition model is refused with the code of the contract', async () => {
  const [older] = await client.face.detectWithStream(portrait('franck_01829.jpg'), { returnFaceId: true });
  const newer = await detected('franck_01829.jpg');
  await expect(client.face.verifyFaceToFace(older?.faceId ?? '', newer)).rejects.toMatchObject({
    statusCode: 400,
    body: { error: { code: 'BadArgument', message: "'recognitionModel' is incompatible." } },
  });
});

test('landmarks and attributes arrive under the names of the client', async () => {
  const [found] = await client.face.detectWithStream(portrait('franck_01829.jpg'), {
    ...models,
    returnFaceLandmarks: true,
    returnFaceAttributes: ['headPose', 'blur', 'exposure', 'qualityForRecognition'],
  });
  expect(found?.faceLandmarks?.noseTip?.x).toBeGreaterThan(0);
  expect(found?.faceAttributes?.qualityForRecognition).toBe('high');
  expect(found?.faceAttributes?.exposure?.exposureLevel).toBe('goodExposure');
});
