import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of these names run in the soak tests, at full size: the first in them alone, the second in `npm test` too. */
const soakOnly = 'test/**/*.soak.test.ts';
const sized = 'test/**/*.property.test.ts';

/** Random tests take the same numbers in each `npm test`, new ones in each soak test, and those of `SEED` if it is set. */
const seeds = {
  quick: process.env['SEED'] ?? '20261127',
  soak: process.env['SEED'] ?? String(Date.now() % 1_000_000_000),
};
process.stdout.write(`Seed of random tests: ${seeds.quick}; of the soak test: ${seeds.soak}\n`);

const project = (name: 'unit' | 'parts' | 'app', others: object = {}) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    exclude: [soakOnly],
    env: { SEED: seeds.quick },
    ...others,
  },
});

/** What waits longest begins first, so that no core is idle at the end: it would be last by the size of its file. */
const longest = ['app/faults', 'app/erasure', 'app/kill', 'app/network', 'app/', 'parts/', 'unit/histories'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = longest.findIndex((name) => moduleId.includes(`/test/${name}`));
      return index === -1 ? longest.length : index;
    };
    // oxlint-disable-next-line unicorn/no-array-sort
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    // A test waits for conditions; this only ends one that would wait for ever.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // More than the two cores that the tests are made for: most of them wait for the processes of a stack.
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
    setupFiles: ['test/helpers/seeded.ts'],
    restoreMocks: true,
    projects: [
      project('unit', { isolate: false, pool: 'threads' }),
      project('parts', { isolate: false, pool: 'forks' }),
      project('app', { isolate: false, pool: 'forks', globalSetup: 'test/helpers/sharedStack.ts' }),
      {
        extends: true,
        test: {
          name: 'soak',
          include: [soakOnly, sized],
          globalSetup: 'test/helpers/sharedStack.ts',
          testTimeout: 1_200_000,
          env: { TEST_SIZE: 'full', SEED: seeds.soak },
        },
      },
    ],
  },
});
