import { defineConfig } from 'vitest/config';

/** The contract suite against Azure itself: `npm run test:azure`. */
export default defineConfig({
  test: { include: ['test/parts/contract/azure.live.ts'], testTimeout: 300_000, hookTimeout: 120_000 },
});
