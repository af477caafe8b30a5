import { beforeEach, expect, test } from 'vitest';
import { startPipeline } from './pipeline.ts';

const pipeline = startPipeline();
/** Each test has a group of its own. */
let group = '';

beforeEach(async () => {
  group = await pipeline.newGroup({});
});

const names = (count: number) =>
  Array.from({ length: count }, (_, index) => `f${String(index).padStart(5, '0')}`);

async function findSimilar(
  query: { mode?: 'matchPerson' | 'matchFace'; maxCandidates?: number; since?: number } = {},
) {
  const { mode = 'matchPerson', maxCandidates = 20, since } = query;
  const source = { kind: 'bytes' as const, bytes: pipeline.picture };
  return pipeline.rollcall.findSimilar(await pipeline.groupNamed(group), source, {
    mode,
    maxCandidates,
    since,
  });
}

/** The face IDs of each call, in order. */
const batches = () => pipeline.calls.map(({ given }) => given[1] as string[]);

test('faces are compared newest first, a thousand a call, the best of all calls first', async () => {
  const ids = names(2_300);
  await pipeline.see(group, ids, pipeline.now() - 1_000);
  pipeline.alike.set('f00003', 0.6).set('f01500', 0.9).set('f02299', 0.7);
  const answer = await findSimilar();
  expect(batches().map(({ length }) => length)).toEqual([1_000, 1_000, 300]);
  expect(batches().flat()).toEqual(ids);
  expect(answer).toMatchObject({ searched: 2_300, truncated: false });
  expect(answer.faces[0]?.matches.map(({ faceId, confidence }) => [faceId, confidence])).toEqual([
    ['f01500', 0.9],
    ['f02299', 0.7],
    ['f00003', 0.6],
  ]);
  const few = await findSimilar({ maxCandidates: 2 });
  expect(few.faces[0]?.matches.map(({ faceId }) => faceId)).toEqual(['f01500', 'f02299']);
});

test('an answer says when only the ten largest faces of a picture were compared', async () => {
  pipeline.showFaces(names(10));
  expect(await findSimilar()).toMatchObject({ truncated: false });
  pipeline.showFaces(names(11));
  expect(await findSimilar()).toMatchObject({ truncated: true });
});

test('an ID that expired meanwhile is left out, and every other face of its thousand is compared', async () => {
  const ids = names(1_000);
  await pipeline.see(group, ids, pipeline.now() - 1_000);
  pipeline.expired.add('f00700');
  pipeline.alike.set('f00699', 0.8).set('f00701', 0.7);
  const answer = await findSimilar();
  expect(answer.faces[0]?.matches.map(({ faceId }) => faceId)).toEqual(['f00699', 'f00701']);
  // Halves, down to the one: not one call a face.
  expect(pipeline.calls.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(1_000)) + 1);
  const compared = new Set(
    batches()
      .filter((batch) => !batch.includes('f00700'))
      .flat(),
  );
  expect(compared.size).toBe(999);
});

test('ten thousand faces are looked through, and the answer says that there were more', async () => {
  await pipeline.see(group, names(10_001), pipeline.now() - 1_000);
  pipeline.alike.set('f10000', 0.9);
  const answer = await findSimilar();
  expect(answer).toMatchObject({ searched: 10_000, truncated: true, faces: [{ matches: [] }] });
  expect(batches().map(({ length }) => length)).toEqual(Array.from({ length: 10 }, () => 1_000));
});

test('since bounds it to faces that were seen from then on', async () => {
  const seenAt = pipeline.now() - 1_000;
  await pipeline.see(group, names(50), seenAt);
  const answer = await findSimilar({ since: seenAt - 9 });
  expect(answer).toMatchObject({ searched: 10, truncated: false });
  expect(batches().flat()).toEqual(names(10));
});

test('the mode goes to Face, and every match is asked for, since some may be gone', async () => {
  await pipeline.see(group, names(3), pipeline.now() - 1_000);
  await findSimilar({ mode: 'matchFace', maxCandidates: 7 });
  await findSimilar({ mode: 'matchPerson', maxCandidates: 1 });
  expect(pipeline.calls.map(({ given }) => given[2])).toEqual([
    { mode: 'matchFace', maxCandidates: 1_000 },
    { mode: 'matchPerson', maxCandidates: 1_000 },
  ]);
});

test('faces of the same picture are not compared with each other', async () => {
  await pipeline.see(group, names(2), pipeline.now() - 1_000);
  pipeline.showFaces(['probe', 'beside']);
  const answer = await findSimilar();
  expect(answer.searched).toBe(2);
  expect(batches()).toEqual([names(2), names(2)]);
});
