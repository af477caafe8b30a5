import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { createFakeVision, picture, type FakeVision } from './fakeVision.ts';
import { startTestFace, type TestFace } from './harness.ts';

const group = '/largepersongroups/g';
let vision: FakeVision;
let face: TestFace;
let release: () => void;

beforeEach(async () => {
  vision = createFakeVision();
  face = await startTestFace({ vision });
  await face.create(group);
});

afterEach(() => face.close());

function hold(): void {
  const { promise, resolve } = Promise.withResolvers<void>();
  vision.hold = promise;
  release = () => {
    vision.hold = undefined;
    resolve();
  };
}

const add = (person: string, image = picture('x')) =>
  face.call('POST', `${group}/persons/${person}/persistedfaces`, { body: image });

test('ten adds at once to one person all succeed', async () => {
  const person = await face.person(group, 'ann');
  const answers = await Promise.all(Array.from({ length: 10 }, () => add(person)));
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect(await face.ask('GET', `${group}/persons/${person}`)).toMatchObject({
    persistedFaceIds: expect.objectContaining({ length: 10 }) as string[],
  });
});

test('a deletion waits for the add that came before it', async () => {
  const [ann, ben] = [await face.person(group, 'ann'), await face.person(group, 'ben')];
  hold();
  const added = add(ann);
  await eventually('the picture is looked at', () => vision.atOnce() === 1);
  const order: string[] = [];
  const deleted = face.call('DELETE', `${group}/persons/${ann}`).then((answer) => {
    order.push('deleted');
    return answer;
  });
  // Another person does not wait.
  expect((await face.call('DELETE', `${group}/persons/${ben}`)).status).toBe(200);
  expect(order).toEqual([]);
  release();
  expect((await added).status).toBe(200);
  expect((await deleted).status).toBe(200);
  expect((await face.call('GET', `${group}/persons/${ann}`)).status).toBe(404);
});

test('a refused picture holds up nobody', async () => {
  const person = await face.person(group, 'ann');
  const answers = await Promise.all([
    add(person, picture()),
    add(person),
    add(person, picture()),
    add(person),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([400, 200, 400, 200]);
});

test('a face that comes for a group deleted meanwhile is not kept', async () => {
  const person = await face.person(group, 'ann');
  hold();
  const added = add(person);
  await eventually('the picture is looked at', () => vision.atOnce() === 1);
  await face.ask('DELETE', group);
  await face.create(group);
  release();
  expect((await added).status).toBe(404);
});

test('more pictures than the models can hold are told to come again', async () => {
  hold();
  const detect = () => face.call('POST', '/detect', { body: picture('ann') });
  const taken = Array.from({ length: 64 }, detect);
  await eventually('all are looked at', () => vision.atOnce() === 64);
  const refused = await detect();
  expect(refused).toMatchObject({ status: 429, body: { error: { code: '429' } } });
  expect(refused.headers.get('retry-after')).toBe('1');
  release();
  for (const { status } of await Promise.all(taken)) expect(status).toBe(200);
});
