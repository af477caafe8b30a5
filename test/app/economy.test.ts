import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { fakePicture, startFakeFace } from '../helpers/fakeFace.ts';
import { franck, groupPicture, portrait } from '../helpers/pictures.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

let stack: TestStack;
let face: Awaited<ReturnType<typeof startFakeFace>> | undefined;

afterEach(async () => {
  await stack.close();
  await face?.close();
  face = undefined;
});

test('where any quality will do, a picture costs one call, and is refused for the same reasons', async () => {
  stack = await startTestStack({ settings: { ENROLL_MIN_QUALITY: 'none' } });
  await Promise.all([
    ...franck.map((file) => stack.drop(`enroll/cheap/franck/${file}`, portrait(file))),
    stack.drop('enroll/cheap/nobody/1.jpg', portrait('ironman.jpg')),
    stack.drop('enroll/cheap/crowd/1.jpg', groupPicture(1)),
    stack.drop('enroll/cheap/text/1.jpg', Buffer.from('not a picture')),
  ]);
  await Promise.all(franck.map((file) => stack.settled(`enroll/cheap/franck/${file}`, 'enrolled')));
  for (const [image, reason] of [
    ['nobody', 'no_face'],
    ['crowd', 'several_faces'],
    ['text', 'not_an_image'],
  ]) {
    expect(await stack.settled(`enroll/cheap/${image}/1.jpg`, 'rejected')).toMatchObject({ reason });
  }
  await stack.covered('cheap');
  const { byOperation } = await stack.calls();
  expect(byOperation['detect'] ?? 0).toBe(0);
  // What Face refuses was a call, too.
  expect(byOperation['addFace']).toBe(franck.length + 2);
});

describe('of an import, Face gets no call too many', () => {
  const maxWaitSeconds = 8;

  async function startFake(): Promise<void> {
    face = await startFakeFace({ trainingTime: 'published' });
    stack = await startTestStack({
      face: face.ready,
      settings: { TRAIN_QUIET_SECONDS: '2', TRAIN_MAX_WAIT_SECONDS: String(maxWaitSeconds) },
    });
  }

  /** As many trainings as may begin in so many seconds. */
  const trainingsAtMost = (seconds: number): number =>
    seconds < maxWaitSeconds ? 2 : 2 + Math.ceil(seconds / maxWaitSeconds);

  /** Drops the pictures of so many persons, in turn; gives the seconds until the last one is enrolled. */
  async function importOf(group: string, persons: number, pictures: number): Promise<number> {
    const begin = performance.now();
    let next = 0;
    const drop = async (): Promise<void> => {
      for (let index = next++; index < pictures; index = next++) {
        const person = `person-${index % persons}`;
        await stack.drop(`enroll/${group}/${person}/${Math.floor(index / persons)}.bmp`, fakePicture(person));
      }
    };
    await Promise.all(Array.from({ length: 8 }, drop));
    await eventually(
      'all are enrolled',
      async () => {
        // Each question costs the pipeline as much as a step of a picture.
        await sleep(500);
        return (await stack.group(group)).images['enrolled'] === pictures;
      },
      540_000,
    );
    return (performance.now() - begin) / 1_000;
  }

  test('1,000 pictures of 50 persons: two a picture, one a person, one for the group, three a training', async () => {
    await startFake();
    const [pictures, persons] = [1_000, 50];
    const seconds = await importOf('bulk', persons, pictures);
    await stack.covered('bulk');
    const { byOperation } = await stack.calls();
    const { train = 0, trainingStatus = 0, ...others } = byOperation;
    expect(others).toEqual({ detect: pictures, addFace: pictures, createPerson: persons, createGroup: 1 });
    expect(train).toBeGreaterThan(0);
    expect(train).toBeLessThanOrEqual(trainingsAtMost(seconds));
    expect(trainingStatus).toBeLessThanOrEqual(2 * train);
  }, 600_000);

  test('a burst shorter than the longest wait: two trainings at most', async () => {
    await startFake();
    const seconds = await importOf('burst', 2, 20);
    await stack.covered('burst');
    const { byOperation } = await stack.calls();
    expect(byOperation['train']).toBeGreaterThan(0);
    expect(byOperation['train']).toBeLessThanOrEqual(trainingsAtMost(seconds));
  });
});
