import { deferredForMs } from '../../../shared/errors/errors.ts';
import { expect, test } from 'vitest';
import { seed, sizeOf } from '../../helpers/size.ts';
import { limiterInVirtualTime } from './limiterInVirtualTime.ts';
import { noRefusals, refusals } from './limiters.ts';
import { simulate } from './simulation.ts';

/*
 * Simulations in virtual time: the processor decides how long they take, and never what they come to. The limits of
 * time only end what hangs.
 */
const timeout = 1_800_000;

const plans = [
  { calls: 10, windowMs: 1_000 },
  { calls: 100, windowMs: 1_000 },
  { calls: 20, windowMs: 60_000 },
] as const;
const jitters = [0, 20, 50, 250] as const;

test('no limiter refuses a call, with clocks off, stalls and instances that die', { timeout }, async () => {
  for (let index = 0; index < sizeOf({ quick: 48, full: 1_000 }); index += 1) {
    // At full size every combination of plan, jitter and number of workers comes ten times.
    const plan = plans[index % 3] ?? plans[0];
    const jitterMs = jitters[Math.floor(index / 3) % 4] ?? 0;
    const workers = 1 + ((Math.floor(index / 12) * 3) % 8);
    const what = `simulation ${index}, seed ${seed + index}`;
    const { arrivals } = await simulate({
      ...plan,
      seed: seed + index,
      workers,
      jitterMs,
      stalls: 0.01,
      deaths: Math.floor(workers / 3),
      forMs: 6 * plan.windowMs,
      interactive: 0.1,
    });
    expect(refusals(plan, arrivals), what).toEqual(noRefusals);
    // The limiter was not merely shut, nor did it shut after a while.
    expect(arrivals.length, what).toBeGreaterThan(0.2 * 6 * plan.calls);
    expect(arrivals.at(-1), what).toBeGreaterThan(5 * plan.windowMs);
  }
});

const longRuns = plans.flatMap((plan) =>
  jitters.flatMap((jitterMs) => [1, 4, 8].map((workers) => ({ ...plan, jitterMs, workers }))),
);
const longestWait = ({ calls, windowMs }: { calls: number; windowMs: number }, jitterMs: number) => {
  const slotMs = (windowMs + jitterMs) / calls;
  return windowMs === 1_000 && calls >= 50 ? 100 : 2 * slotMs + (windowMs === 1_000 ? 50 : 0);
};
// Of each plan one, with other jitters and workers.
const everyOf = sizeOf({ quick: 17, full: 1 });

test.each(longRuns.filter((_, index) => index % everyOf === 0))(
  'behind a backlog, $calls in $windowMs ms is used to 99 % of what its jitter of $jitterMs ms leaves, by $workers workers',
  { timeout },
  async ({ calls, windowMs, jitterMs, workers }) => {
    // A second's window is measured over minutes, a minute's over an hour.
    const forMs = windowMs === 60_000 ? 3_600_000 : calls === 10 ? 240_000 : 60_000;
    const { arrivals, interactiveWaits } = await simulate({
      ...{ calls, windowMs, jitterMs, workers, forMs, seed: 7 },
      stalls: 0,
      deaths: 0,
      interactive: 0.1,
    });
    // The jitter has to be measured first.
    const half = arrivals.filter((at) => at >= forMs / 2).length;
    const possible = ((forMs / 2 / windowMs) * calls) / (1 + jitterMs / windowMs);
    expect(half / possible).toBeGreaterThanOrEqual(0.99);
    expect(refusals({ calls, windowMs }, arrivals)).toEqual(noRefusals);
    const waits = interactiveWaits
      .flatMap(({ at, ms }) => (at >= forMs / 2 ? [ms] : []))
      .toSorted((a, b) => a - b);
    expect(waits.length).toBeGreaterThan(30);
    if (jitterMs > 50) return;
    expect(waits[Math.floor(waits.length * 0.99) - 1]).toBeLessThanOrEqual(
      longestWait({ calls, windowMs }, jitterMs),
    );
  },
);

test.each(Array.from({ length: sizeOf({ quick: 2, full: 20 }) }, (_, index) => ({ own: seed + index })))(
  'a message of a backlog is sent away twice at most on average, and nobody sleeps long: seed $own',
  { timeout },
  async ({ own }) => {
    const { time, limiterOf } = limiterInVirtualTime('10/s', own);
    const limiters = [limiterOf(), limiterOf(), limiterOf(), limiterOf()];
    let deferredUntil = 0;
    let done = 0;
    let longestSleep = 0;
    async function message(index: number): Promise<void> {
      await time.sleep(index * 20);
      for (let turn = index; ; turn += 1) {
        const askedAt = time.now();
        const answer = await limiters[turn % 4]?.acquire('background').catch((error: unknown) => error);
        longestSleep = Math.max(longestSleep, time.now() - askedAt);
        const deferredMs = deferredForMs(answer);
        if (deferredMs === undefined) break;
        deferredUntil += 1;
        await time.sleep(deferredMs);
      }
      done += 1;
    }
    for (let index = 0; index < 1_000; index += 1) void message(index);
    // Those that were sent away to the end of a long line come last, when the schedule is free already.
    await time.runUntil(1_700_000_000_000 + 200_000);
    expect(done).toBe(1_000);
    expect(deferredUntil / done).toBeLessThanOrEqual(2);
    expect(longestSleep).toBeLessThanOrEqual(7_000);
  },
);
