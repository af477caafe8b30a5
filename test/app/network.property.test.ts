import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import {
  eachWeatherOnce,
  faults,
  faultsOfSeveralInstances,
  importThrough,
  startFaultyStack,
  type FaultyStack,
} from '../helpers/faultMatrix.ts';
import { isSoak } from '../helpers/size.ts';
import type { ImageView } from '../helpers/stack.ts';

const tried = isSoak
  ? [
      { instances: 1, met: faults },
      { instances: 4, met: faultsOfSeveralInstances },
    ]
  : [{ instances: 1, met: eachWeatherOnce }];

describe.each(tried)('with $instances instance(s)', ({ instances, met }) => {
  let faulty: FaultyStack;

  beforeAll(async () => {
    faulty = await startFaultyStack(instances);
  });

  afterAll(() => faulty.close());

  test.each(met)(
    'an import goes on when between it and $service there is $weather for $forMs ms',
    async (fault) => {
      const { group, pictures } = await importThrough(faulty, fault);
      const { stack } = faulty;
      const { items } = await stack.get<{ items: ImageView[] }>(`groups/${group}/images?top=1000`);
      const named = items.flatMap(({ persistedFaceId }) => persistedFaceId ?? []);
      expect(named).toHaveLength(pictures);
      await eventually('Face holds the faces of the rows, and no others', async () => {
        const held = (await stack.faceOf(group)).flatMap(({ persistedFaceIds }) => persistedFaceIds);
        return held.toSorted().join() === named.toSorted().join();
      });
      await stack.covered(group);
    },
  );
});
