/** Whether this is `npm run test:soak`, which tries everything at full size. */
export const isSoak = process.env['TEST_SIZE'] === 'full';

/** How much of a property a test tries: a little in `npm test`, all of it in `npm run test:soak`. */
export function sizeOf({ quick, full }: { quick: number; full: number }): number {
  return isSoak ? full : quick;
}

/** The seed of this run's random tests. A failing test names it; `SEED=` repeats it. */
export const seed = Number(process.env['SEED']);
