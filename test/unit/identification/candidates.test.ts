import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { loadCandidates } from '../../../shared/identification/candidates.ts';
import type { Group, Groups } from '../../../shared/records/groups.ts';
import type { ImageRecords } from '../../../shared/records/imageRecords.ts';

test('each person is looked up once an answer, and not all of them at the same time', async () => {
  const lookedUp: string[] = [];
  let [now, most] = [0, 0];
  const groups = {
    async personOfFace(_group: string, personId: string) {
      lookedUp.push(personId);
      now += 1;
      most = Math.max(most, now);
      await setImmediate();
      now -= 1;
      return { key: personId, person: `name of ${personId}`, faceGroupEpoch: 1 };
    },
  } as unknown as Groups;
  const imageRecords = {
    person: async (_group: unknown, key: string) =>
      key === 'id-3' ? undefined : { person: `name of ${key}`, personId: key, faces: key === 'id-4' ? 0 : 1 },
  } as unknown as ImageRecords;
  // Sixty faces that are all a little like the same hundred persons.
  const ofOneFace = Array.from({ length: 100 }, (_, index) => ({ personId: `id-${index}`, confidence: 0.5 }));
  const faces = Array.from({ length: 60 }, () => ofOneFace);
  const toCandidates = await loadCandidates(
    { groups, imageRecords },
    { group: 'club' } as Group,
    faces.flat(),
  );
  expect(lookedUp).toHaveLength(100);
  expect(most).toBeLessThanOrEqual(32);
  const named = toCandidates(ofOneFace);
  // Who is gone, and of whom no face stands any more, is not named.
  expect(named).toHaveLength(98);
  expect(named.map(({ personId }) => personId)).not.toEqual(expect.arrayContaining(['id-3']));
  expect(named.map(({ personId }) => personId)).not.toEqual(expect.arrayContaining(['id-4']));
  expect(named[0]).toEqual({ person: 'name of id-0', personId: 'id-0', confidence: 0.5 });
});
