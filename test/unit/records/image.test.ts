import { expect, test } from 'vitest';
import { added, addIntended, detected, received, rejected } from '../../../shared/records/image.ts';

const known = { image: 'enroll/g/p/1.jpg', group: 'g', person: 'p', generation: '1.1' };
const blob = { etag: 'v1', bytes: 1 };
const seen = { etag: 'v1', content: 'c1' };
const face = { faceRectangle: { left: 1, top: 2, width: 3, height: 4 } };

test('an event that comes again for a known version changes nothing', () => {
  const first = received(undefined, known, blob, 1);
  const enrolled = added(
    addIntended(detected(first, seen, face, 2), { content: 'c1', personId: 'x', generation: '1.1' }, 3),
    { faceId: 'f', content: 'c1', personId: 'x', generation: '1.1' },
    4,
  );
  expect(received(enrolled, known, blob, 99)).toBe(enrolled);
  expect(detected(enrolled, seen, face, 99)).toBe(enrolled);
  expect(rejected(enrolled, { etag: 'v0', content: 'c0' }, { reason: 'no_face' }, 99)).toBe(enrolled);
});
