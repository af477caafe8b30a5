import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

/** Long enough that no answer below can come from a training. */
const trainingSeconds = 15;

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({ trainingTime: trainingSeconds });
});

afterAll(() => stack.close());

const [known = '', other = '', third = ''] = franck;

async function whoIsOn(picture: string, query = ''): Promise<{ person: string; confidence: number }[]> {
  const { status, body } = await stack.postPicture(`groups/slow/identify${query}`, portrait(picture));
  expect(status).toBe(200);
  const { faces } = body as { faces: { candidates: { person: string; confidence: number }[] }[] };
  return faces[0]?.candidates ?? [];
}

test('a face is found as soon as it is enrolled, while the training of its group takes long', async () => {
  await stack.drop('enroll/slow/audrey/1.jpg', portrait('audrey_crop.jpg'));
  await stack.covered('slow');
  expect(await whoIsOn(other)).toEqual([]);

  await stack.drop('enroll/slow/franck/1.jpg', portrait(known));
  await stack.settled('enroll/slow/franck/1.jpg', 'enrolled');
  const [franckFound] = await whoIsOn(other);
  expect(franckFound?.person).toBe('franck');
  expect(franckFound?.confidence).toBeGreaterThan(0.5);
  expect(await whoIsOn(other, '?confidenceThreshold=1')).toEqual([]);
  expect((await whoIsOn('audrey_crop.jpg')).map(({ person }) => person)).toEqual(['audrey']);
  expect((await stack.group('slow')).training.covered).toBe(false);

  await stack.drop('enroll/slow/twin/1.jpg', portrait(third));
  await stack.settled('enroll/slow/twin/1.jpg', 'enrolled');
  const both = await whoIsOn(other, '?maxCandidates=5');
  expect(both.map(({ person }) => person).toSorted()).toEqual(['franck', 'twin']);
  expect(both.map(({ confidence }) => confidence)).toEqual(
    both.map(({ confidence }) => confidence).toSorted((a, b) => b - a),
  );
  expect((await stack.group('slow')).training.covered).toBe(false);
});

test('a fresh face of a removed picture is found no more, and a covered one costs no further call', async () => {
  await stack.remove('enroll/slow/twin/1.jpg');
  await stack.settled('enroll/slow/twin/1.jpg', 'removed');
  expect((await whoIsOn(other, '?maxCandidates=5')).map(({ person }) => person)).toEqual(['franck']);

  await stack.covered('slow');
  await eventually('no face is compared by its ID any more', async () => {
    const before = (await stack.calls()).byOperation['findSimilar'] ?? 0;
    expect((await whoIsOn(other, '?maxCandidates=5')).map(({ person }) => person)).toEqual(['franck']);
    return ((await stack.calls()).byOperation['findSimilar'] ?? 0) === before;
  });
}, 60_000);
