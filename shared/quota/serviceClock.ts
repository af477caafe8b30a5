/**
 * The clock of the table service, as seen from this machine: clocks of instances differ, the service's is the one
 * that they share. A row that is written carries the time of its writing, which lies between our asking and the
 * answer; what all recent writes allow is how far our clock is off.
 */
export type ServiceClock = ReturnType<typeof createServiceClock>;

type Bounds = { low: number; high: number };

/** Few enough that the drift of a clock stays small against the bounds. */
const samplesKept = 64;

export function createServiceClock(localNow: () => number) {
  let samples: Bounds[] = [];
  let bounds: Bounds = { low: 0, high: 0 };

  return {
    /** A write was asked for and answered at these times of ours, and carries this time of the service. */
    observe(askedAt: number, answeredAt: number, writtenAt: number): void {
      const sample = { low: writtenAt - answeredAt, high: writtenAt - askedAt };
      samples = [...samples.slice(1 - samplesKept), sample];
      const common = {
        low: Math.max(...samples.map(({ low }) => low)),
        high: Math.min(...samples.map(({ high }) => high)),
      };
      // They contradict each other: a clock was set. The latest is right.
      if (common.low > common.high) samples = [sample];
      bounds = common.low > common.high ? sample : common;
    },

    /** Milliseconds since 1970, by the service. */
    now: (): number => localNow() + (bounds.low + bounds.high) / 2,

    /** By so many milliseconds `now` may be wrong, either way. */
    uncertaintyMs: (): number => (bounds.high - bounds.low) / 2,
  };
}
