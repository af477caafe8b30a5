/**
 * Measures how far the arrivals of this instance's calls at Face deviate from their slots. Jitter has two parts: how
 * late a call leaves after its slot, and how much its network time varies. Network time is the duration of a call minus
 * the time that the service reports for it (`x-envoy-upstream-service-time`). Network time covers both directions, so
 * the measured spread errs on the safe side: too wide rather than too narrow.
 */
export type Jitter = ReturnType<typeof createJitter>;

const waysKept = 512;
const departuresKept = 128;
/** With fewer measured network times than this, `spreadMs` returns the previous spread. */
const waysNeeded = 32;
/** The jitter assumed before anything has been measured, and the upper limit of the measured spread. */
export const longestJitterMs = 250;
const longestLatenessMs = 100;

export function createJitter() {
  let ways: number[] = [];
  let departures: number[] = [];

  return {
    /** Records that a slot was reached `lateMs` milliseconds late, whether its call left or the slot was dropped. */
    left(lateMs: number): void {
      departures = [...departures.slice(1 - departuresKept), Math.max(0, lateMs)];
    },

    /** Records the network time of a call in milliseconds, both directions together. */
    travelled(ms: number): void {
      ways = [...ways.slice(1 - waysKept), ms];
    },

    /** How late after its slot a call may still leave: the 90th percentile of measured lateness plus a small margin. */
    latenessMs(): number {
      const sorted = departures.toSorted((a, b) => a - b);
      const usual = sorted[Math.floor(sorted.length * 0.9)] ?? 0;
      return Math.min(usual * 1.2 + 2, longestLatenessMs);
    },

    /**
     * The range, in milliseconds, within which calls arrive around their slots. The measured range is widened by a
     * factor that grows as samples get fewer, because a small sample is likely to miss the widest deviation.
     */
    spreadMs(before: number): number {
      if (ways.length < waysNeeded) return Math.min(before, longestJitterMs);
      const widest = Math.max(...ways) - Math.min(...ways);
      return Math.min(widest * (1 + 14 / ways.length) + 1, longestJitterMs);
    },
  };
}
