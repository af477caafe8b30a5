import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FaceError } from '../../../shared/face/errors.ts';
import { groupKnownFaces } from '../../../shared/identification/knownFaces.ts';
import { tables } from '../../../shared/config/resources.ts';
import { inMemory } from '../../helpers/inMemory.ts';
import { portrait } from '../../helpers/pictures.ts';

/** Face's group operation, of which some IDs are forgotten. */
function faceWithout(forgotten: ReadonlySet<string>) {
  const calls: number[] = [];
  return {
    calls,
    async group(faceIds: readonly string[]) {
      calls.push(faceIds.length);
      if (faceIds.length < 2 || faceIds.length > 1_000) throw new FaceError(400, 'BadArgument', 'x');
      if (faceIds.some((id) => forgotten.has(id))) throw new FaceError(400, 'FaceNotFound', 'x');
      return { groups: [], messyGroup: [...faceIds] };
    },
  };
}

const idsOf = (count: number) => Array.from({ length: count }, (_, index) => `face-${index}`);

test.each(Array.from({ length: 25 }, (_, step) => Math.min(step * 41, 999)))(
  'one forgotten face, the %i. of 1,000, takes few with it',
  async (at) => {
    const ids = idsOf(1_000);
    const face = faceWithout(new Set([`face-${at}`]));
    const { known, messyGroup } = await groupKnownFaces(face, ids);
    expect(known.length).toBeGreaterThanOrEqual(991);
    expect(messyGroup).toEqual(known);
    expect(face.calls.length).toBeLessThanOrEqual(18);
  },
);

test('however many are forgotten, only known faces are grouped, in order, with at most 18 calls', async () => {
  const cases = fc
    .integer({ min: 0, max: 300 })
    .chain((count) =>
      fc.tuple(fc.constant(count), fc.uniqueArray(fc.nat(Math.max(0, count - 1)), { maxLength: 12 })),
    );
  await fc.assert(
    fc.asyncProperty(cases, async ([count, at]) => {
      const forgotten = new Set(at.map((index) => `face-${index}`));
      const face = faceWithout(forgotten);
      const { known, messyGroup } = await groupKnownFaces(face, idsOf(count));
      expect(face.calls.length).toBeLessThanOrEqual(18);
      expect(messyGroup).toEqual([...known]);
      if (count > 1) expect(known.filter((id) => forgotten.has(id))).toEqual([]);
      expect(known).toEqual(idsOf(count).filter((id) => known.includes(id)));
    }),
  );
});

test('unknown faces are read many at a time, and no more than that', async () => {
  let seen = 0;
  const app = inMemory({
    face: {
      detect: async () => {
        seen += 1;
        return [{ faceId: `face-${seen}`, faceRectangle: { left: 0, top: 0, width: 50, height: 50 } }];
      },
      group: async (faceIds) => ({ groups: [[...faceIds]], messyGroup: [] }),
    },
  });
  await app.call('PUT', 'groups/lobby', { body: '{}' });
  for (let asked = 0; asked < 100; asked += 1) {
    app.clock.now += 1;
    await app.call('POST', 'groups/lobby/identify', {
      headers: { 'content-type': 'image/jpeg' },
      body: portrait('audrey_crop.jpg'),
    });
  }
  app.mostReads.clear();
  const { status, body } = await app.call('POST', 'groups/lobby/cluster');
  expect(status).toBe(200);
  expect(body).toMatchObject({ searched: 100, truncated: false });
  const { clusters } = body as { clusters: { faces: { faceId: string }[] }[] };
  expect(clusters[0]?.faces.map(({ faceId }) => faceId)).toEqual(idsOf(101).slice(1).toReversed());
  expect([app.mostReads.get(tables.results), app.mostReads.get(tables.faceIds)]).toEqual([32, 32]);
});
