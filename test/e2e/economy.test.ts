import { afterAll, beforeAll, expect, test } from 'vitest';
import { franck, groupPicture, portrait } from '../helpers/pictures.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({ settings: { ENROLL_MIN_QUALITY: 'none' } });
});

afterAll(() => stack.close());

test('where any quality will do, a picture costs one call, and is refused for the same reasons', async () => {
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
