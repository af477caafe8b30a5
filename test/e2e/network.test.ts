import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { faults, importThrough, startFaultyStack, type FaultyStack } from '../helpers/faultMatrix.ts';
import type { ImageView } from '../helpers/stack.ts';

let faulty: FaultyStack;

beforeAll(async () => {
  faulty = await startFaultyStack();
});

afterAll(() => faulty.close());

test.each(faults)(
  'an import goes on when between it and $service there is $weather',
  { timeout: 120_000 },
  async (fault) => {
    const { group, pictures } = await importThrough(faulty, fault);
    const { stack } = faulty;
    const { items } = await stack.get<{ items: ImageView[] }>(`groups/${group}/images?top=1000`);
    const named = items.flatMap(({ persistedFaceId }) => persistedFaceId ?? []);
    expect(named).toHaveLength(pictures);
    await eventually('Face holds the faces of the ledger, and no others', async () => {
      const held = (await stack.faceOf(group)).flatMap(({ persistedFaceIds }) => persistedFaceIds);
      return held.toSorted().join() === named.toSorted().join();
    });
    await stack.covered(group);
  },
);
