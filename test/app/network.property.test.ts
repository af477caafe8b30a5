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
      { instances: 1, met: faults.map((fault) => [fault]) },
      { instances: 4, met: faultsOfSeveralInstances.map((fault) => [fault]) },
    ]
  : [{ instances: 1, met: [eachWeatherOnce] }];

describe.each(tried)('with $instances instance(s)', ({ instances, met }) => {
  let faulty: FaultyStack;

  beforeAll(async () => {
    faulty = await startFaultyStack(instances);
  });

  afterAll(() => faulty.close());

  const named = met.map((at): [string, typeof at] => [
    at.map(({ service, weather, forMs }) => `${service} there is ${weather} for ${forMs} ms`).join(', '),
    at,
  ]);

  test.each(named)('an import goes on when between it and %s', async (_between, at) => {
    const { group, pictures } = await importThrough(faulty, ...at);
    const { stack } = faulty;
    const { items } = await stack.get<{ items: ImageView[] }>(`groups/${group}/images?top=1000`);
    const faces = items.flatMap(({ persistedFaceId }) => persistedFaceId ?? []);
    expect(faces).toHaveLength(pictures);
    await eventually('Face holds the faces of the rows, and no others', async () => {
      const held = (await stack.faceOf(group)).flatMap(({ persistedFaceIds }) => persistedFaceIds);
      return held.toSorted().join() === faces.toSorted().join();
    });
    await stack.covered(group);
  });
});
