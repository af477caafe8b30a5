import { expect, test } from 'vitest';
import { createQuotaGate, TurnFarAway, type ScheduleStore } from '../../../shared/quota/gate.ts';
import { parseQuota } from '../../../shared/quota/quota.ts';
import { slotOf, type Schedule } from '../../../shared/quota/schedule.ts';
import { limiters, slidingLog } from './limiters.ts';
import { randomOf, simulate, type Simulation } from './simulation.ts';
import { virtualTime } from './virtualTime.ts';

const plans = [
  { calls: 10, windowMs: 1_000 },
  { calls: 100, windowMs: 1_000 },
  { calls: 20, windowMs: 60_000 },
] as const;
const jitters = [0, 20, 50, 250] as const;

test.each([
  ['10/s', [{ calls: 10, windowMs: 1_000 }]],
  [
    '20/min,30000/month',
    [
      { calls: 20, windowMs: 60_000 },
      { calls: 30_000, windowMs: 30 * 86_400_000 },
    ],
  ],
  ['none', []],
  ['0/s', undefined],
  ['10', undefined],
  ['10/s;5/min', undefined],
  ['', undefined],
])('the quota %j is read', (text, quota) => {
  expect(parseQuota(text)).toEqual(quota);
});

test('the free plan is one call every three seconds', () => {
  expect(slotOf(parseQuota('20/min,30000/month') ?? [], 0)).toBe(3_000);
});

/** What would be refused of these arrivals, by limiter. */
function refusals({ calls, windowMs }: Pick<Simulation, 'calls' | 'windowMs'>, arrivals: readonly number[]) {
  const inOrder = arrivals.toSorted((a, b) => a - b);
  return Object.fromEntries(
    Object.entries(limiters).map(([name, limiter]) => {
      const accepts = limiter(calls, windowMs);
      return [name, inOrder.filter((at) => !accepts(at)).length];
    }),
  );
}
const none = { slidingLog: 0, fixedWindow: 0, tokenBucket: 0, gcra: 0 };

test('a limiter refuses what comes too close', () => {
  const burst = Array.from({ length: 11 }, (_, index) => 100_000 + index);
  expect(refusals({ calls: 10, windowMs: 1_000 }, burst)).toEqual({
    slidingLog: 1,
    fixedWindow: 1,
    tokenBucket: 1,
    gcra: 1,
  });
});

test('1,000 seeds: no limiter refuses a call, with clocks off, stalls and instances that die', async () => {
  for (let seed = 0; seed < 1_000; seed += 1) {
    // Every combination of plan, jitter and number of workers comes ten times.
    const plan = plans[seed % 3] ?? plans[0];
    const jitterMs = jitters[Math.floor(seed / 3) % 4] ?? 0;
    const workers = 1 + (Math.floor(seed / 12) % 8);
    const { arrivals } = await simulate({
      ...plan,
      seed,
      workers,
      jitterMs,
      stalls: 0.01,
      deaths: Math.floor(workers / 3),
      forMs: 6 * plan.windowMs,
      interactive: 0.1,
    });
    expect(refusals(plan, arrivals), `seed ${seed}`).toEqual(none);
    // The gate was not merely shut, nor did it shut after a while.
    expect(arrivals.length, `seed ${seed}`).toBeGreaterThan(0.2 * 6 * plan.calls);
    expect(arrivals.at(-1), `seed ${seed}`).toBeGreaterThan(5 * plan.windowMs);
  }
});

const longRuns = plans.flatMap((plan) =>
  jitters.flatMap((jitterMs) => [1, 4, 8].map((workers) => ({ ...plan, jitterMs, workers }))),
);
const longestWait = ({ calls, windowMs }: { calls: number; windowMs: number }, jitterMs: number) => {
  const slotMs = (windowMs + jitterMs) / calls;
  return windowMs === 1_000 && calls >= 50 ? 100 : 2 * slotMs + (windowMs === 1_000 ? 50 : 0);
};

test.each(longRuns)(
  'behind a backlog, $calls in $windowMs ms is used to 99 % of what its jitter of $jitterMs ms leaves, by $workers workers',
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
    expect(refusals({ calls, windowMs }, arrivals)).toEqual(none);
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

test.each([0.3, 0.5, 0.8])(
  'when strangers use %d of the quota, five refusals are enough',
  async (strangers) => {
    // Their calls are spread evenly over the same limiter.
    const accepts = slidingLog(10, 1_000);
    let nextStranger = 0;
    const accept = (at: number) => {
      const stepMs = 100 / strangers;
      if (nextStranger === 0) nextStranger = at;
      for (; nextStranger <= at; nextStranger += stepMs) accepts(nextStranger);
      return accepts(at);
    };
    const { arrivals, refusedAt } = await simulate({
      ...{
        seed: 3,
        calls: 10,
        windowMs: 1_000,
        jitterMs: 20,
        workers: 4,
        stalls: 0,
        deaths: 0,
        interactive: 0,
      },
      forMs: 90_000,
      accept,
    });
    expect(refusedAt.length).toBeGreaterThan(0);
    expect(refusedAt.length).toBeLessThanOrEqual(5);
    // It does not shrink to nothing either.
    expect(arrivals.filter((at) => at > 60_000).length / 30).toBeGreaterThan(10 * (1 - strangers) * 0.5);
  },
);

test('when the strangers have gone, the gate climbs back to the whole quota', async () => {
  const { arrivals } = await simulate({
    ...{ seed: 5, calls: 10, windowMs: 1_000, jitterMs: 0, workers: 2, stalls: 0, deaths: 0, interactive: 0 },
    forMs: 600_000,
    // One refusal, at the beginning.
    accept: oneRefusal(),
  });
  expect(arrivals.filter((at) => at < 15_000).length).toBeLessThan(15 * 8);
  expect(arrivals.filter((at) => at > 540_000).length).toBeGreaterThan(60 * 9.8);
});

function oneRefusal(): (at: number) => boolean {
  let calls = 0;
  return () => (calls += 1) !== 20;
}

/** A gate on a table in memory, and callers. */
function gateInVirtualTime(quota: string, seed = 1) {
  const time = virtualTime(1_700_000_000_000);
  const row: { schedule?: Schedule; etag: number } = { etag: 0 };
  const store: ScheduleStore = {
    read: async () => row.schedule && { schedule: row.schedule, etag: String(row.etag) },
    async write(schedule, etag) {
      if ((row.schedule === undefined ? undefined : String(row.etag)) !== etag) return undefined;
      Object.assign(row, { schedule, etag: row.etag + 1 });
      return { etag: String(row.etag), writtenAt: time.now() };
    },
  };
  const random = randomOf(seed);
  const gateOf = () => createQuotaGate({ quota: parseQuota(quota) ?? [], store, clock: time, random });
  return { time, store, gateOf, gate: gateOf() };
}

test.each(Array.from({ length: 20 }, (_, seed) => ({ seed })))(
  'a message of a backlog is sent away twice at most on average, and nobody sleeps long: seed $seed',
  async ({ seed }) => {
    const { time, gateOf } = gateInVirtualTime('10/s', seed);
    const gates = [gateOf(), gateOf(), gateOf(), gateOf()];
    let sentAway = 0;
    let done = 0;
    let longestSleep = 0;
    async function message(index: number): Promise<void> {
      await time.sleep(index * 20);
      for (let turn = index; ; turn += 1) {
        const askedAt = time.now();
        const answer = await gates[turn % 4]?.pass('background').catch((error: unknown) => error);
        longestSleep = Math.max(longestSleep, time.now() - askedAt);
        if (!(answer instanceof TurnFarAway)) break;
        sentAway += 1;
        await time.sleep(answer.inMs);
      }
      done += 1;
    }
    for (let index = 0; index < 1_000; index += 1) void message(index);
    // Those that were sent away to the end of a long line come last, when the schedule is free already.
    await time.runUntil(1_700_000_000_000 + 200_000);
    expect(done).toBe(1_000);
    expect(sentAway / done).toBeLessThanOrEqual(2);
    expect(longestSleep).toBeLessThanOrEqual(7_000);
  },
);

test('an interactive call goes before all background calls that wait', async () => {
  const { time, gate } = gateInVirtualTime('10/s');
  const left: string[] = [];
  for (let call = 0; call < 20; call += 1) void gate.pass('background').then(() => left.push('background'));
  await time.runUntil(time.now() + 400);
  void gate.pass('interactive').then(() => left.push('interactive'));
  await time.runUntil(time.now() + 300);
  expect(left).toContain('interactive');
  expect(left.length).toBeLessThan(8);
});

test('after a refusal nothing leaves before its time, at any instance', async () => {
  const { time, gateOf } = gateInVirtualTime('10/s');
  const [one, other] = [gateOf(), gateOf()];
  const passed: number[] = [];
  const first = one.pass('background');
  await time.runUntil(time.now() + 500);
  const refusedAt = time.now();
  await one.refused(await first, 2_000);
  void other.pass('interactive').then(() => passed.push(time.now()));
  await time.runUntil(time.now() + 5_000);
  expect(passed).toHaveLength(1);
  expect((passed[0] ?? 0) - refusedAt).toBeGreaterThanOrEqual(2_000);
});

test('a used-up month is said at once, at any instance, and ends', async () => {
  const { time, gateOf } = gateInVirtualTime('20/min,30000/month');
  const [one, other] = [gateOf(), gateOf()];
  await one.exhausted(60_000);
  await expect(one.pass('interactive')).rejects.toMatchObject({ code: 'quota_exceeded' });
  await expect(other.pass('background')).rejects.toMatchObject({ code: 'quota_exceeded' });
  await time.runUntil(time.now() + 60_001);
  const passed = one.pass('interactive');
  await time.runUntil(time.now() + 6_000);
  await expect(passed).resolves.toHaveProperty('leftAt');
});

test('without a quota nobody waits, but for a refusal all the same', async () => {
  const { time, gate } = gateInVirtualTime('none');
  const departure = await gate.pass('background');
  await Promise.all(Array.from({ length: 100 }, () => gate.pass('background')));
  await gate.refused(departure, 1_000);
  await expect(gate.pass('interactive')).rejects.toBeInstanceOf(TurnFarAway);
  await time.runUntil(time.now() + 1_001);
  await expect(gate.pass('interactive')).resolves.toHaveProperty('leftAt');
});

test('when the table does not answer, nothing leaves and everybody hears why', async () => {
  const { time } = gateInVirtualTime('10/s');
  const broken: ScheduleStore = {
    read: () => Promise.reject(new Error('no table')),
    write: () => Promise.reject(new Error('no table')),
  };
  const gate = createQuotaGate({ quota: parseQuota('10/s') ?? [], store: broken, clock: time });
  await expect(gate.pass('interactive')).rejects.toThrow('no table');
  await expect(gate.pass('background')).rejects.toThrow('no table');
});
