import createClient, { getLongRunningPoller, isUnexpected } from '@azure-rest/ai-vision-face';
import { AzureKeyCredential } from '@azure/core-auth';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { groupPicture, portrait } from '../../helpers/pictures.ts';
import { realVision } from '../../helpers/vision.ts';
import { callsOf, startTestFace, type TestFace } from './harness.ts';

/* The real models, and Microsoft's client as it is. */

let face: TestFace;

beforeAll(async () => {
  face = await startTestFace({ vision: await realVision() });
});

afterAll(() => face.close());

function officialClient(version: string) {
  return createClient(face.ready.endpoint, new AzureKeyCredential(face.ready.key), {
    allowInsecureConnection: true,
    // The client's types know v1.2 only; the service has both.
    apiVersion: version as 'v1.2',
  });
}

async function detectWith(client: ReturnType<typeof officialClient>, body: Buffer) {
  const answer = await client.path('/detect').post({
    contentType: 'application/octet-stream',
    body,
    queryParameters: {
      detectionModel: 'detection_03',
      recognitionModel: 'recognition_04',
      returnFaceId: true,
      returnFaceLandmarks: true,
      returnRecognitionModel: true,
      faceIdTimeToLive: 120,
      returnFaceAttributes: ['headPose', 'blur', 'exposure', 'glasses', 'mask', 'qualityForRecognition'],
    },
  });
  if (isUnexpected(answer)) throw new Error(answer.body.error.message);
  return answer.body;
}

test.each(['v1.0', 'v1.2'])(
  'the official client enrolls in a large person group over %s',
  async (version) => {
    const client = officialClient(version);
    const group = `official-${version.replace('.', '-')}`;
    const created = await client
      .path('/largepersongroups/{largePersonGroupId}', group)
      .put({ body: { name: 'Official', recognitionModel: 'recognition_04' } });
    expect(created.status).toBe('200');
    const person = await client
      .path('/largepersongroups/{largePersonGroupId}/persons', group)
      .post({ body: { name: 'Franck' } });
    if (isUnexpected(person)) throw new Error(person.body.error.message);
    const { personId } = person.body;
    const faces = client.path(
      '/largepersongroups/{largePersonGroupId}/persons/{personId}/persistedfaces',
      group,
      personId,
    );
    // Two faces at once for one person: they queue, and neither is refused.
    const added = await Promise.all(
      ['franck_01829.jpg', 'franck_02045.jpg'].map((file) =>
        faces.post({
          contentType: 'application/octet-stream',
          body: portrait(file),
          queryParameters: { detectionModel: 'detection_03', userData: file },
        }),
      ),
    );
    expect(added.map(({ status }) => status)).toEqual(['200', '200']);

    const training = await client.path('/largepersongroups/{largePersonGroupId}/train', group).post();
    if (isUnexpected(training)) throw new Error(training.body.error.message);
    expect(training.headers['operation-location']).toBe(
      `${face.ready.endpoint}/face/${version}/largepersongroups/${group}/training`,
    );
    const poller = await getLongRunningPoller(client, training, { intervalInMs: 50 });
    const trained = await poller.pollUntilDone();
    expect(trained.body).toMatchObject({ status: 'succeeded' });

    const [found] = await detectWith(client, portrait('franck_04117.jpg'));
    expect(Object.keys(found?.faceLandmarks ?? {})).toHaveLength(27);
    expect(found?.recognitionModel).toBe('recognition_04');
    expect(found?.faceAttributes).toMatchObject({
      qualityForRecognition: 'high',
      exposure: { exposureLevel: 'goodExposure' },
    });
    const [faceId] = [found?.faceId ?? ''];
    const identified = await client.path('/identify').post({
      body: { faceIds: [faceId], largePersonGroupId: group },
    });
    expect(identified.body).toMatchObject([{ faceId, candidates: [{ personId }] }]);
    const verified = await client.path('/verify').post({
      body: { faceId, personId, largePersonGroupId: group },
    });
    expect(verified.body).toMatchObject({ isIdentical: true });
  },
);

test('the official client enrolls in a person group', async () => {
  const client = officialClient('v1.2');
  const group = client.path('/persongroups/{personGroupId}', 'small');
  await group.put({ body: { name: 'Small', recognitionModel: 'recognition_04' } });
  const people = await Promise.all(
    ['franck_01829.jpg', 'obama4_crop.jpg'].map(async (file) => {
      const person = await client
        .path('/persongroups/{personGroupId}/persons', 'small')
        .post({ body: { name: file } });
      if (isUnexpected(person)) throw new Error(person.body.error.message);
      const { personId } = person.body;
      await client
        .path('/persongroups/{personGroupId}/persons/{personId}/persistedfaces', 'small', personId)
        .post({ contentType: 'application/octet-stream', body: portrait(file) });
      return personId;
    }),
  );
  const training = await client.path('/persongroups/{personGroupId}/train', 'small').post();
  if (isUnexpected(training)) throw new Error(training.body.error.message);
  const poller = await getLongRunningPoller(client, training, { intervalInMs: 50 });
  await poller.pollUntilDone();
  const [found] = await detectWith(client, portrait('franck_04117.jpg'));
  const identified = await client.path('/identify').post({
    body: { faceIds: [found?.faceId ?? ''], personGroupId: 'small' },
  });
  if (isUnexpected(identified)) throw new Error(identified.body.error.message);
  expect(identified.body[0]?.candidates.map(({ personId }) => personId)).toEqual([people[0]]);
  expect((await group.delete()).status).toBe('200');
  expect((await group.get()).status).toBe('404');
});

test.each(['v1.0', 'v1.2'])('the official client fills and searches lists over %s', async (version) => {
  const client = officialClient(version);
  const id = `official-${version.replace('.', '-')}`;
  const [found] = await detectWith(client, portrait('franck_04117.jpg'));
  const faceId = found?.faceId ?? '';
  const picture = {
    contentType: 'application/octet-stream',
    body: portrait('franck_01829.jpg'),
    queryParameters: { detectionModel: 'detection_03', userData: 'Franck' },
  } as const;

  const small = client.path('/facelists/{faceListId}', id);
  await small.put({ body: { name: 'Small', recognitionModel: 'recognition_04' } });
  const added = await client.path('/facelists/{faceListId}/persistedfaces', id).post(picture);
  if (isUnexpected(added)) throw new Error(added.body.error.message);
  const similar = await client.path('/findsimilars').post({ body: { faceId, faceListId: id } });
  expect(similar.body).toMatchObject([{ persistedFaceId: added.body.persistedFaceId }]);
  expect((await small.get()).body).toMatchObject({
    faceListId: id,
    persistedFaces: [{ persistedFaceId: added.body.persistedFaceId, userData: 'Franck' }],
  });

  const large = client.path('/largefacelists/{largeFaceListId}', id);
  await large.put({ body: { name: 'Large', recognitionModel: 'recognition_04' } });
  const faces = client.path('/largefacelists/{largeFaceListId}/persistedfaces', id);
  const addedToLarge = await faces.post(picture);
  if (isUnexpected(addedToLarge)) throw new Error(addedToLarge.body.error.message);
  const training = await client.path('/largefacelists/{largeFaceListId}/train', id).post();
  if (isUnexpected(training)) throw new Error(training.body.error.message);
  const poller = await getLongRunningPoller(client, training, { intervalInMs: 50 });
  await poller.pollUntilDone();
  const { persistedFaceId } = addedToLarge.body;
  const largeSimilar = await client.path('/findsimilars').post({ body: { faceId, largeFaceListId: id } });
  expect(largeSimilar.body).toMatchObject([{ persistedFaceId }]);
  expect((await faces.get()).body).toMatchObject([{ persistedFaceId, userData: 'Franck' }]);
});

test('all that each detection model supports is answered in both versions', async () => {
  const supported = {
    detection_01: 'accessories,noise,blur,exposure,glasses,headPose,occlusion,qualityForRecognition',
    detection_03: 'blur,exposure,glasses,headPose,occlusion,mask,qualityForRecognition',
  };
  for (const version of ['v1.0', 'v1.2'] as const) {
    for (const [model, names] of Object.entries(supported)) {
      const [found] = await callsOf(face.ready, version).ask<{ faceAttributes: object }[]>(
        'POST',
        `/detect?detectionModel=${model}&recognitionModel=recognition_04&returnFaceLandmarks=true&returnFaceAttributes=${names}`,
        portrait('franck_01829.jpg'),
      );
      expect(Object.keys(found?.faceAttributes ?? {}).toSorted()).toEqual(names.split(',').toSorted());
    }
  }
});

test('the same picture is 1, another of the same person above 0.5, a stranger below', async () => {
  const files = ['franck_01829.jpg', 'franck_01829.jpg', 'franck_04117.jpg', 'obama4_crop.jpg'];
  const [a = '', same = '', other = '', stranger = ''] = await Promise.all(
    files.map((file) => face.detect(portrait(file))),
  );
  const verify = (faceId2: string) => face.ask('POST', '/verify', { faceId1: a, faceId2 });
  expect(await verify(same)).toEqual({ isIdentical: true, confidence: 1 });
  expect(await verify(other)).toMatchObject({ isIdentical: true });
  expect(await verify(stranger)).toMatchObject({ isIdentical: false });

  const faceIds = [stranger, other, same];
  type Similar = { faceId: string; confidence: number }[];
  const similar = await face.ask<Similar>('POST', '/findsimilars', { faceId: a, faceIds });
  expect(similar.map(({ faceId }) => faceId)).toEqual([same, other]);
  const ranked = await face.ask<Similar>('POST', '/findsimilars', { faceId: a, faceIds, mode: 'matchFace' });
  expect(ranked.map(({ faceId }) => faceId)).toEqual([same, other, stranger]);
  for (const { confidence } of ranked) expect(String(confidence)).toMatch(/^(?:1|0\.\d{1,5})$/);

  const grouped = await face.ask<{ groups: string[][]; messyGroup: string[] }>('POST', '/group', {
    faceIds: [a, ...faceIds],
  });
  expect(grouped.messyGroup).toEqual([stranger]);
  expect(grouped.groups.map((ids) => new Set(ids))).toEqual([new Set([a, same, other])]);
});

test('adding a face of a crowd takes the one that detect has pointed out', async () => {
  await face.create('/largepersongroups/crowd');
  const person = await face.person('/largepersongroups/crowd', 'one of several');
  const path = `/largepersongroups/crowd/persons/${person}/persistedfaces?detectionModel=detection_03`;
  const several = await face.call('POST', path, { body: groupPicture(1) });
  expect(several.body).toMatchObject({ error: { message: 'There is more than 1 face in the image.' } });
  const none = await face.call('POST', path, { body: portrait('scream_crop.jpg') });
  expect(none.body).toMatchObject({ error: { message: 'No face detected in the image.' } });

  type Found = { faceId: string; faceRectangle: Record<'left' | 'top' | 'width' | 'height', number> };
  const query = 'detectionModel=detection_03&recognitionModel=recognition_04';
  const found = await face.ask<Found[]>('POST', `/detect?${query}`, groupPicture(1));
  const areas = found.map(({ faceRectangle: { width, height } }) => width * height);
  expect(areas).toEqual(areas.toSorted((a, b) => b - a));
  const second = found[1];
  const { left, top, width, height } = second?.faceRectangle ?? {};
  await face.ask('POST', `${path}&targetFace=${left},${top},${width},${height}`, groupPicture(1));
  const verified = await face.ask('POST', '/verify', {
    faceId: second?.faceId,
    personId: person,
    largePersonGroupId: 'crowd',
  });
  expect(verified).toEqual({ isIdentical: true, confidence: 1 });
});
