import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { createFakeVision, embeddingOf, picture } from './fakeVision.ts';
import { startTestFace, type TestFace } from './harness.ts';

let face: TestFace;

afterEach(() => face.close());

const large = '/largepersongroups/g';
const scope = { largePersonGroupId: 'g' };
const vision = createFakeVision();

/** A training that the test ends: it takes as long as told, by the number of faces. */
async function start(trainingTime: (faces: number) => number): Promise<void> {
  face = await startTestFace({ vision, trainingTime });
}

test('a large group answers from what was trained last, while it trains and after changes', async () => {
  // The second training does not end within the test.
  await start((faces) => (faces > 1 ? 600_000 : 0));
  await face.create(large);
  const ann = await face.person(large, 'ann', picture('ann'));
  await face.train(large);
  const ben = await face.person(large, 'ben', picture('ben'));
  const [annSeen, benSeen] = [await face.detect(picture('ann')), await face.detect(picture('ben'))];
  expect(await face.identify(annSeen, scope)).toEqual([ann]);
  expect(await face.identify(benSeen, scope)).toEqual([]);

  await face.ask('POST', `${large}/train`);
  expect(await face.call('POST', `${large}/train`)).toMatchObject({
    status: 409,
    body: {
      error: {
        code: 'LargePersonGroupTrainingNotFinished',
        message: 'Large person group is under training.',
      },
    },
  });
  expect(await face.ask('GET', `${large}/training`)).toMatchObject({
    status: 'running',
    lastSuccessfulTrainingDateTime: expect.stringMatching(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/,
    ) as string,
  });
  expect(await face.identify(annSeen, scope)).toEqual([ann]);
  expect(await face.identify(benSeen, scope)).toEqual([]);
  // Changes are taken meanwhile.
  await face.ask('DELETE', `${large}/persons/${ben}`);
  await face.person(large, 'cy', picture('cy'));
});

test('a face that comes while a training runs waits for the next one', async () => {
  await start(() => 300);
  await face.create(large);
  const ann = await face.person(large, 'ann', picture('ann'));
  await face.ask('POST', `${large}/train`);
  const ben = await face.person(large, 'ben', picture('ben'));
  await eventually('the training ends', async () => {
    const { status } = await face.ask<{ status: string }>('GET', `${large}/training`);
    return status === 'succeeded';
  });
  const [annSeen, benSeen] = [await face.detect(picture('ann')), await face.detect(picture('ben'))];
  expect([await face.identify(annSeen, scope), await face.identify(benSeen, scope)]).toEqual([[ann], []]);
  await face.train(large);
  expect(await face.identify(benSeen, scope)).toEqual([ben]);
});

test('who is deleted is no candidate from then on, and leaves nothing on the disk', async () => {
  await start(() => 0);
  await face.create(large);
  const [ann, ben] = [
    await face.person(large, 'ann', picture('ann')),
    await face.person(large, 'ben', picture('ben'), picture('benjamin')),
  ];
  await face.train(large);
  const [annSeen, benSeen] = [await face.detect(picture('ann')), await face.detect(picture('benjamin'))];
  expect(await face.identify(benSeen, scope)).toEqual([ben]);
  expect(isOnDisk('ben')).toBe(true);

  const { persistedFaceIds } = await face.ask<{ persistedFaceIds: string[] }>(
    'GET',
    `${large}/persons/${ben}`,
  );
  for (const id of persistedFaceIds) await face.ask('DELETE', `${large}/persons/${ben}/persistedfaces/${id}`);
  expect(await face.identify(benSeen, scope)).toEqual([]);
  expect(isOnDisk('ben')).toBe(false);
  expect(isOnDisk('ann')).toBe(true);

  await face.ask('DELETE', `${large}/persons/${ann}`);
  expect(await face.identify(annSeen, scope)).toEqual([]);
  await face.person(large, 'cy', picture('cy'));
  await face.ask('DELETE', large);
  expect(isOnDisk('cy')).toBe(false);
});

function isOnDisk(who: string): boolean {
  // The middle of the vector: enough to know it by.
  const part = Buffer.from(embeddingOf(who).slice(100, 110).buffer);
  return readdirSync(face.dataDir).some((file) => readFileSync(join(face.dataDir, file)).includes(part));
}

test('a group without a face fails to train, and says why', async () => {
  await start(() => 0);
  await face.create(large);
  await face.person(large, 'nobody');
  const failed = await face.train(large);
  expect(failed).toMatchObject({ status: 'failed', message: 'There is no face to train.' });
  expect(failed).not.toHaveProperty('lastSuccessfulTrainingDateTime');
  const faceId = await face.detect(picture('ann'));
  expect(
    (await face.call('POST', '/identify', { body: { faceIds: [faceId], ...scope } })).body,
  ).toMatchObject({
    error: { code: 'LargePersonGroupNotTrained' },
  });
});

test('a small group refuses changes and identify while it trains', async () => {
  await start(() => 600_000);
  const small = '/persongroups/g';
  await face.create(small);
  const ann = await face.person(small, 'ann', picture('ann'));
  await face.ask('POST', `${small}/train`);
  const faceIds = [await face.detect(picture('ann'))];
  const refused = [
    await face.call('POST', `${small}/train`),
    await face.call('PATCH', small, { body: { name: 'x' } }),
    await face.call('DELETE', small),
    await face.call('POST', `${small}/persons`, { body: { name: 'x' } }),
    await face.call('PATCH', `${small}/persons/${ann}`, { body: { name: 'x' } }),
    await face.call('DELETE', `${small}/persons/${ann}`),
    await face.call('POST', `${small}/persons/${ann}/persistedfaces`, { body: picture('ann') }),
    await face.call('POST', '/identify', { body: { faceIds, personGroupId: 'g' } }),
  ];
  for (const answer of refused) {
    expect(answer).toMatchObject({
      status: 409,
      body: { error: { code: 'PersonGroupTrainingNotFinished', message: 'Person group is under training.' } },
    });
  }
  expect(await face.ask('GET', `${small}/persons/${ann}`)).toMatchObject({ name: 'ann' });
});
