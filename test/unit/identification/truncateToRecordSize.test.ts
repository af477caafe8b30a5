import fc from 'fast-check';
import { expect, test } from 'vitest';
import { truncateToRecordSize } from '../../../shared/identification/truncateToRecordSize.ts';
import { longestRecord } from '../../../shared/records/entity.ts';
import { inMemory } from '../../helpers/inMemory.ts';
import { portrait } from '../../helpers/pictures.ts';

test('the most that fits is kept, and one more would not fit', () => {
  const lists = fc.array(fc.array(fc.string(), { maxLength: 20 }), { maxLength: 5 });
  fc.assert(
    fc.property(lists, fc.integer({ min: 12, max: 400 }), (faces, longest) => {
      const most = Math.max(0, ...faces.map(({ length }) => length));
      const toAnswer = (kept: number) => faces.map((face) => face.slice(0, kept));
      const length = (kept: number) => JSON.stringify(toAnswer(kept)).length;
      const kept = Math.max(0, ...truncateToRecordSize(toAnswer, most, longest).map((face) => face.length));
      if (kept > 0) expect(length(kept)).toBeLessThanOrEqual(longest);
      if (kept < most) expect(length(kept + 1)).toBeGreaterThan(longest);
    }),
  );
});

test('more matches than a record holds are answered, and recorded, as far as they fit', async () => {
  let picture = 0;
  let onEach = 100;
  const faceRectangle = { left: 1_000, top: 1_000, width: 100, height: 100 };
  const app = inMemory({
    face: {
      detect: async () => {
        picture += 1;
        return Array.from({ length: onEach }, (_, index) => ({
          faceId: `${picture}-${index}`.padStart(36, '0'),
          faceRectangle,
        }));
      },
      findSimilar: async (_faceId, among) => among.map((faceId) => ({ faceId, confidence: 0.987_654 })),
    },
  });
  await app.call('PUT', 'groups/crowd', { body: '{}' });
  const post = (path: string) =>
    app.call('POST', `groups/crowd/${path}`, {
      headers: { 'content-type': 'image/jpeg' },
      body: portrait('audrey_crop.jpg'),
    });
  for (let seen = 0; seen < 1_000; seen += 100) await post('identify');
  const { status, body } = await post('find-similar?maxCandidates=1000');
  expect(status).toBe(200);
  const answer = body as { id: string; searched: number; truncated: boolean; faces: { matches: object[] }[] };
  expect(answer).toMatchObject({ searched: 1_000, truncated: true });
  const [kept = 0] = answer.faces.map(({ matches }) => matches.length);
  expect(answer.faces.map(({ matches }) => matches.length)).toEqual(Array.from({ length: 10 }, () => kept));
  expect(kept).toBeGreaterThan(100);
  expect(JSON.stringify(body).length).toBeLessThan(longestRecord);
  expect((await app.call('GET', `groups/crowd/results/${answer.id}`)).body).toEqual(body);
  // Face gives 100 faces at most, so that there may be more on a picture of so many.
  onEach = 10;
  expect((await post('find-similar?maxCandidates=20')).body).toMatchObject({ truncated: false });
});
