/**
 * How rarely slots come, and how long a caller may wait for one therefore. All values are milliseconds.
 */
export type Pace = ReturnType<typeof createPace>;

/** Weight of the latest measured pace in the moving average. */
const latestWeight = 0.1;

export function createPace(firstSlotMs: number, patienceMs: number) {
  let slotMs = firstSlotMs;
  let ownMs = firstSlotMs;
  let lastBlock: { start: number; count: number } | undefined;

  return {
    /** The distance from one slot to the next, over all instances. */
    slotMs: (): number => slotMs,
    /** The average distance between the slots of this instance, with the slots of other instances in between. */
    ownMs: (): number => ownMs,
    /** The longest wait of a caller: two slots, if two slots are longer than the configured patience. */
    longestWaitMs: (): number => Math.max(patienceMs, 2 * slotMs),

    slotsAreApart(ms: number): void {
      slotMs = ms;
    },

    /** Records a booked block of slots. */
    booked(starts: readonly number[]): void {
      const start = starts[0] ?? 0;
      if (lastBlock !== undefined) {
        const latest = Math.max((start - lastBlock.start) / lastBlock.count, slotMs);
        ownMs += latestWeight * (latest - ownMs);
      }
      lastBlock = { start, count: starts.length };
    },

    /** Nothing more is to be booked: the time until the next block says nothing about the pace. */
    paused(): void {
      lastBlock = undefined;
    },
  };
}
