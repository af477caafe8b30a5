import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTimeSlices } from '../../../emulators/face/scheduling/timeSlices.ts';
import { createFakeVision, picture } from './fakeVision.ts';
import { startTestFace, type Answer } from './harness.ts';

test('of all long work one piece is done in a turn, in the order of asking', async () => {
  const startTimeSlices = createTimeSlices();
  let turn = 0;
  const done = { yet: false };
  const counting = (async () => {
    for (; !done.yet; turn += 1) await nextTurn();
  })();
  const pieces = Array.from({ length: 5 }, async () => {
    await startTimeSlices()();
    return turn;
  });
  const turns = await Promise.all(pieces);
  done.yet = true;
  await counting;
  expect(new Set(turns).size).toBe(5);
  expect(turns).toEqual(turns.toSorted((a, b) => a - b));
});

test('while many faces are grouped, other calls are answered', async () => {
  const vision = createFakeVision();
  const { confidence } = vision;
  let compared = 0;
  const other = Promise.withResolvers<{ answer: Answer; after: number }>();
  vision.confidence = (a, b, model) => {
    compared += 1;
    if (compared === 1)
      void face
        .call('GET', '/facelists')
        .then((answer) => other.resolve({ answer, after: compared }), other.reject);
    // As long as for vectors that are much longer: a piece of work is a few of these.
    for (const until = performance.now() + 2; performance.now() < until;);
    return confidence(a, b, model);
  };
  const face = await startTestFace({ vision });
  const faceIds: string[] = [];
  for (let who = 0; who < 20; who += 1) faceIds.push(await face.detect(picture(`person ${who}`)));
  const grouped = face.call('POST', '/group', { body: { faceIds } });
  const { answer, after } = await other.promise;
  expect(answer.status).toBe(200);
  expect(after).toBeLessThan(190);
  expect(await grouped).toMatchObject({ status: 200, body: { groups: [], messyGroup: faceIds } });
  expect(compared).toBe(190);
  await face.close();
});
