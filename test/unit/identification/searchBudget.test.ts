import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FaceClient } from '../../../shared/face/client.ts';
import { FaceError } from '../../../shared/face/errors.ts';
import { createSearchBudget } from '../../../shared/identification/searchBudget.ts';
import { addUntrainedCandidates } from '../../../shared/identification/untrainedCandidates.ts';
import { parseQuota } from '../../../shared/config/quota.ts';
import type { Group } from '../../../shared/records/groups.ts';

const quotaOf = (text: string) => parseQuota(text) ?? [];
const take = (budget: () => boolean, wanted: number): number =>
  Array.from({ length: wanted }, budget).filter(Boolean).length;

describe('the budget for fresh faces', () => {
  test('is a twentieth of the quota, and what was saved in a minute', () => {
    let now = 0;
    const budget = createSearchBudget(quotaOf('10/s'), () => now);
    expect(take(budget, 100)).toBe(30);
    now += 10_000;
    expect(take(budget, 100)).toBe(5);
    now += 3_600_000;
    expect(take(budget, 100)).toBe(30);
  });

  test('on the free plan is one call a minute, and a twentieth of the month', () => {
    let now = 0;
    const budget = createSearchBudget(quotaOf('20/min,30000/month'), () => now);
    let taken = 0;
    for (; now < 30 * 86_400_000; now += 60_000) taken += take(budget, 3);
    expect(taken).toBeGreaterThanOrEqual(1_500);
    expect(taken).toBeLessThanOrEqual(3_000);
  });

  test('is unbounded where there is no quota', () => {
    expect(
      take(
        createSearchBudget(quotaOf('none'), () => 0),
        10_000,
      ),
    ).toBe(10_000);
  });

  test('never gives more than the share of the time that passed and one saving, whatever the clock does', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: -2_000, max: 20_000 }), fc.nat(40)), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 200 }), (asked, perSecond) => {
        let [now, latest, taken] = [0, 0, 0];
        const budget = createSearchBudget(quotaOf(`${perSecond}/s`), () => now);
        for (const [passed, wanted] of asked) {
          now += passed;
          latest = Math.max(latest, now);
          taken += take(budget, wanted);
        }
        const share = perSecond / 20_000;
        expect(taken).toBeLessThanOrEqual(Math.max(1, share * 60_000) + share * latest + 1e-6);
      }),
    );
  });
});

/** A group in which 2,500 faces wait for a training, the newest first; Face knows all but some. */
function freshGroup(granted: number, unknown: readonly string[] = []) {
  const calls: { faceId: string; first: string; size: number }[] = [];
  const fresh = Array.from({ length: 2_500 }, (_, index) => ({
    faceId: `fresh-${index}`,
    ref: { group: 'club', person: `person-${index}`, image: `image-${index}` },
    content: 'v',
    begun: 1,
    addedAt: 0,
    expiresAt: Infinity,
  }));
  let left = granted;
  const options = {
    face: {
      async findSimilar(faceId: string, among: readonly string[]) {
        calls.push({ faceId, first: among[0] ?? '', size: among.length });
        if (among.some((other) => unknown.includes(other))) throw new FaceError(400, 'FaceNotFound', 'x');
        return [];
      },
    } as unknown as FaceClient,
    searchBudget: () => (left -= 1) >= 0,
    untrainedFaces: { newest: async () => fresh },
    imageRecords: { livingImage: async () => undefined },
  };
  const ask = (faces: number) =>
    addUntrainedCandidates(
      options,
      { group: 'club' } as Group,
      0,
      Array.from({ length: faces }, (_, index) => ({ faceId: `asked-${index}`, candidates: [] })),
      { maxCandidates: 1 },
    );
  return { ask, calls };
}

test('the newest thousand is compared with every face before older ones are, as far as the budget goes', async () => {
  const { ask, calls } = freshGroup(5);
  expect(await ask(3)).toHaveLength(3);
  expect(calls.map(({ faceId, first }) => [faceId, first])).toEqual([
    ['asked-0', 'fresh-0'],
    ['asked-1', 'fresh-0'],
    ['asked-2', 'fresh-0'],
    ['asked-0', 'fresh-1000'],
    ['asked-1', 'fresh-1000'],
  ]);
});

test('with an empty budget nothing is compared, and the answer is that of the training', async () => {
  const { ask, calls } = freshGroup(0);
  expect(await ask(2)).toEqual([
    { faceId: 'asked-0', candidates: [] },
    { faceId: 'asked-1', candidates: [] },
  ]);
  expect(calls).toEqual([]);
});

test('looking for a face that Face has forgotten is paid from the budget, too', async () => {
  const { ask, calls } = freshGroup(8, ['fresh-17']);
  await ask(1);
  expect(calls).toHaveLength(8);
});
