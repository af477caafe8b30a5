/**
 * Estimates the clock of the table service from this machine. Clocks of instances differ; the clock of the service is
 * the one that all instances share. A written row carries the service's time of the write, which lies between the local
 * times of the request and of its answer. Each write therefore bounds the offset of the local clock from below and
 * above, and the offset is taken from the intersection of the bounds of recent writes.
 */
export type ServiceClock = ReturnType<typeof createServiceClock>;

type Bounds = { low: number; high: number };

/** Low enough that clock drift across the kept samples stays small against their bounds. */
const samplesKept = 64;

export function createServiceClock(localNow: () => number) {
  let samples: Bounds[] = [];
  let bounds: Bounds = { low: 0, high: 0 };

  return {
    /** Records one write: local times of its request and its answer, and the service's time of the write. */
    observe(askedAt: number, answeredAt: number, writtenAt: number): void {
      const sample = { low: writtenAt - answeredAt, high: writtenAt - askedAt };
      samples = [...samples.slice(1 - samplesKept), sample];
      const common = {
        low: Math.max(...samples.map(({ low }) => low)),
        high: Math.min(...samples.map(({ high }) => high)),
      };
      // An empty intersection means that a clock was set: only the latest sample is still valid.
      if (common.low > common.high) samples = [sample];
      bounds = common.low > common.high ? sample : common;
    },

    /** Milliseconds since 1970, by the clock of the service. */
    now: (): number => localNow() + (bounds.low + bounds.high) / 2,

    /** How many milliseconds `now` may be wrong, in either direction. */
    uncertaintyMs: (): number => (bounds.high - bounds.low) / 2,
  };
}
