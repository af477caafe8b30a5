import { beforeEach, expect, test } from 'vitest';
import { startPipeline } from './pipeline.ts';

const pipeline = startPipeline();
/** Each test has a group of its own. */
let group = '';

beforeEach(async () => {
  group = await pipeline.newGroup({ identifyThreshold: 0.7 });
});

const crowd = Array.from({ length: 25 }, (_, index) => `c${String(index).padStart(2, '0')}`);

async function identify(query: { maxCandidates?: number; confidenceThreshold?: number } = {}) {
  const source = { kind: 'bytes' as const, bytes: pipeline.picture };
  return pipeline.rollcall.identify(await pipeline.groupNamed(group), source, { maxCandidates: 1, ...query });
}

test('the faces of a crowd are identified ten a call, in their order', async () => {
  await pipeline.train(group);
  pipeline.showFaces(crowd);
  const answer = await identify({ maxCandidates: 5 });
  expect(pipeline.calls.map(({ given }) => given[1])).toEqual([
    crowd.slice(0, 10),
    crowd.slice(10, 20),
    crowd.slice(20),
  ]);
  expect(pipeline.calls.map(({ given }) => given[2])).toEqual(
    Array.from({ length: 3 }, () => ({ maxCandidates: 15, confidenceThreshold: 0.7 })),
  );
  expect(answer).toMatchObject({ trained: true });
  expect(answer.faces.map(({ faceId }) => faceId)).toEqual(crowd);
});

test('an answer says when Face gave as many faces as it ever gives', async () => {
  const faces = Array.from({ length: 100 }, (_, index) => `f${index}`);
  pipeline.showFaces(faces.slice(1));
  expect(await identify()).not.toHaveProperty('truncated');
  pipeline.showFaces(faces);
  expect(await identify()).toMatchObject({ truncated: true });
});

test('a threshold of the request goes before that of the group', async () => {
  await pipeline.train(group);
  pipeline.showFaces(['one']);
  await identify({ confidenceThreshold: 0.95 });
  await identify({ confidenceThreshold: 0 });
  expect(
    pipeline.calls.map(({ given }) => (given[2] as { confidenceThreshold: number }).confidenceThreshold),
  ).toEqual([0.95, 0]);
});

test('a group that was never trained is not asked', async () => {
  pipeline.showFaces(['one']);
  expect(await identify()).toMatchObject({ trained: false, faces: [{ faceId: 'one', candidates: [] }] });
  expect(pipeline.calls).toEqual([]);
});

test('a face ID that Face no longer knows is an error that says so', async () => {
  await pipeline.train(group);
  pipeline.showFaces(crowd);
  pipeline.expired.add('c13');
  await expect(identify()).rejects.toMatchObject({ code: 'face_id_expired' });
});

test('a face ID of another group is not known in this one', async () => {
  pipeline.showFaces(['theirs']);
  await pipeline.rollcall.putGroup('others', {});
  const source = { kind: 'bytes' as const, bytes: pipeline.picture };
  await pipeline.rollcall.identify(await pipeline.groupNamed('others'), source, { maxCandidates: 1 });
  const again = { kind: 'faceIds' as const, faceIds: ['theirs'] };
  await expect(
    pipeline.rollcall.identify(await pipeline.groupNamed('others'), again, { maxCandidates: 1 }),
  ).resolves.toMatchObject({
    faces: [{ faceId: 'theirs' }],
  });
  await expect(
    pipeline.rollcall.identify(await pipeline.groupNamed(group), again, { maxCandidates: 1 }),
  ).rejects.toMatchObject({
    code: 'face_id_not_found',
  });
});
