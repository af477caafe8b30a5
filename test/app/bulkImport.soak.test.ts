import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFakeFace } from '../helpers/fakeFace.ts';
import { importFakes, trainingSettings, trainingsAtMost } from '../helpers/fakeImport.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

let face: Awaited<ReturnType<typeof startFakeFace>>;
let stack: TestStack;

beforeAll(async () => {
  face = await startFakeFace({ trainingTime: 'published' });
  stack = await startTestStack({ face: face.ready, settings: trainingSettings });
});

afterAll(async () => {
  await stack.close();
  await face.close();
});

test('1,000 pictures of 50 persons: two calls a picture, one a person, one for the group, few a training', async () => {
  const [pictures, persons] = [1_000, 50];
  const seconds = await importFakes(stack, { group: 'bulk', persons, pictures });
  const { byOperation } = await stack.calls();
  const { train = 0, trainingStatus = 0, detect = 0, ...others } = byOperation;
  expect(others).toEqual({ addFace: pictures, createPerson: persons, createGroup: 1 });
  // A trigger delivers at least once: on a machine too busy to renew a lock in time, an image may be detected twice.
  expect(detect).toBeGreaterThanOrEqual(pictures);
  expect(detect).toBeLessThanOrEqual(pictures * 1.01);
  expect(train).toBeGreaterThan(0);
  expect(train).toBeLessThanOrEqual(trainingsAtMost(seconds));
  // Two, and one more where a training took longer than the one before it.
  expect(trainingStatus).toBeLessThanOrEqual(3 * train);
}, 1_200_000);
