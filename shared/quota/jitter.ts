/**
 * How early or late the calls of this instance arrive, measured. Two parts: how late a call leaves after its slot,
 * and by how much the time of its way varies. The way is what a call took less what the service says it spent on it
 * (`x-envoy-upstream-service-time`), there and back, so that the spread errs to the safe side.
 */
export type Jitter = ReturnType<typeof createJitter>;

const waysKept = 512;
const departuresKept = 128;
/** With fewer ways than this, what was measured before counts. */
const waysNeeded = 32;
/** What is taken for the jitter where nothing has been measured, and never more than this. */
export const longestJitterMs = 250;
const longestLatenessMs = 100;

export function createJitter() {
  let ways: number[] = [];
  let departures: number[] = [];

  return {
    /** A call left so many milliseconds after its slot, or its slot was dropped for it. */
    left(lateMs: number): void {
      departures = [...departures.slice(1 - departuresKept), Math.max(0, lateMs)];
    },

    /** A call was on its way for so many milliseconds, there and back. */
    travelled(ms: number): void {
      ways = [...ways.slice(1 - waysKept), ms];
    },

    /** A call may leave so much later than its slot: what nine of ten keep, and a little. */
    latenessMs(): number {
      const sorted = departures.toSorted((a, b) => a - b);
      const usual = sorted[Math.floor(sorted.length * 0.9)] ?? 0;
      return Math.min(usual * 1.2 + 2, longestLatenessMs);
    },

    /**
     * The range, in milliseconds, within which calls arrive around their slots. The fewer ways were measured, the
     * more the widest is likely to be narrower than what is still to come.
     */
    spreadMs(before: number): number {
      if (ways.length < waysNeeded) return Math.min(before, longestJitterMs);
      const widest = Math.max(...ways) - Math.min(...ways);
      return Math.min(widest * (1 + 14 / ways.length) + 1, longestJitterMs);
    },
  };
}
