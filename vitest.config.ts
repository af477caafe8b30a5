import { defineConfig } from 'vitest/config';

/** Files of these names run in the soak tests, at full size: the first in them alone, the second in `npm test` too. */
const soakOnly = 'test/**/*.soak.test.ts';
const sized = 'test/**/*.property.test.ts';

/** Random tests take the same numbers in each `npm test`, new ones in each soak test, and those of `SEED` if it is set. */
const seed = (otherwise: number): string => process.env['SEED'] ?? String(otherwise);
const fixedSeed = 20_261_127;

const project = (name: 'unit' | 'parts' | 'app', others: object = {}) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    exclude: [soakOnly],
    env: { SEED: seed(fixedSeed) },
    ...others,
  },
});

export default defineConfig({
  test: {
    // A test waits for conditions; this only ends one that would wait for ever.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Two cores: real servers and real models run inside these tests.
    maxWorkers: 2,
    setupFiles: ['test/helpers/seeded.ts'],
    projects: [
      project('unit', { isolate: false, pool: 'threads' }),
      project('parts', { isolate: false, pool: 'forks' }),
      project('app', { globalSetup: 'test/helpers/sharedStack.ts' }),
      {
        extends: true,
        test: {
          name: 'soak',
          include: [soakOnly, sized],
          env: { TEST_SIZE: 'full', SEED: seed(Date.now() % 1_000_000_000) },
        },
      },
    ],
  },
});
