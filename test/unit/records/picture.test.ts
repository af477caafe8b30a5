import { expect, test } from 'vitest';
import { added, addIntended, detected, received, rejected } from '../../../shared/records/picture.ts';

const known = { image: 'enroll/g/p/1.jpg', group: 'g', person: 'p', generation: '1.1' };
const face = { faceRectangle: { left: 1, top: 2, width: 3, height: 4 } };

test('an event that comes again for a known version changes nothing', () => {
  const first = received(undefined, known, 'v1', 1);
  const enrolled = added(
    addIntended(detected(first, 'v1', face, 2), { version: 'v1', personId: 'x' }, 3),
    { faceId: 'f', version: 'v1', personId: 'x' },
    4,
  );
  expect(received(enrolled, known, 'v1', 99)).toBe(enrolled);
  expect(detected(enrolled, 'v1', face, 99)).toBe(enrolled);
  expect(rejected(enrolled, 'v0', { reason: 'no_face' }, 99)).toBe(enrolled);
});
