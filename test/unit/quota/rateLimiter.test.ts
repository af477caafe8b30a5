import { deferredForMs } from '../../../shared/errors/errors.ts';
import { expect, test } from 'vitest';
import {
  createRateLimiter,
  type Priority,
  type RateLimiter,
  type ScheduleStore,
} from '../../../shared/quota/rateLimiter.ts';
import { parseQuota } from '../../../shared/config/quota.ts';
import { toSlotMs } from '../../../shared/quota/schedule.ts';
import { limiterInVirtualTime } from './limiterInVirtualTime.ts';
import { refusals, slidingLog } from './limiters.ts';
import { simulate } from './simulation.ts';

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
  expect(toSlotMs(parseQuota('20/min,30000/month') ?? [], 0)).toBe(3_000);
});

test('a limiter refuses what comes too close', () => {
  const burst = Array.from({ length: 11 }, (_, index) => 100_000 + index);
  expect(refusals({ calls: 10, windowMs: 1_000 }, burst)).toEqual({
    slidingLog: 1,
    fixedWindow: 1,
    tokenBucket: 1,
    gcra: 1,
  });
});

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

test('when the strangers have gone, the limiter climbs back to the whole quota', async () => {
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

test('an interactive call goes before all background calls that wait', async () => {
  const { time, limiter } = limiterInVirtualTime('10/s');
  const left: string[] = [];
  for (let call = 0; call < 20; call += 1)
    void limiter.acquire('background').then(() => left.push('background'));
  await time.runUntil(time.now() + 400);
  void limiter.acquire('interactive').then(() => left.push('interactive'));
  await time.runUntil(time.now() + 300);
  expect(left).toContain('interactive');
  expect(left.length).toBeLessThan(8);
});

test.each([1, 3])(
  'callers who use up the quota leave the background one slot in five while it waits: %i instance(s)',
  async (instances) => {
    const { time, limiterOf } = limiterInVirtualTime('10/s');
    const limiters = Array.from({ length: instances }, limiterOf);
    const left: Record<Priority, number[]> = { interactive: [], background: [] };
    const until = time.now() + 120_000;
    /** Asks again as soon as it was answered, or when it was told to come back. */
    async function ask(limiter: RateLimiter, priority: Priority): Promise<void> {
      while (time.now() < until) {
        await limiter.acquire(priority).then(
          () => left[priority].push(time.now()),
          (error: unknown) => time.sleep(deferredForMs(error) ?? 60_000),
        );
      }
    }
    for (const limiter of limiters)
      for (let caller = 0; caller < 12; caller += 1) void ask(limiter, 'interactive');
    // The work of the last instance alone: whoever takes the callers' slots has to know of it.
    const beganAt = time.now() + 10_000;
    await time.runUntil(beganAt);
    for (let worker = 0; worker < 4; worker += 1) void ask(limiters.at(-1) ?? limiterOf(), 'background');
    await time.runUntil(until);
    const since = (priority: Priority) => left[priority].filter((at) => at > beganAt + 5_000).length;
    const all = since('interactive') + since('background');
    expect(since('background') / all).toBeGreaterThan(0.19);
    expect(since('background') / all).toBeLessThan(0.3);
    // Hardly any slot is lost by that: 105 s at 8 calls a second, which the jitter leaves until it is measured.
    expect(all).toBeGreaterThan(105 * 8 * 0.98);
  },
);

test('after a refusal nothing leaves before its time, at any instance', async () => {
  const { time, limiterOf } = limiterInVirtualTime('10/s');
  const [one, other] = [limiterOf(), limiterOf()];
  const passed: number[] = [];
  const first = one.acquire('background');
  await time.runUntil(time.now() + 500);
  const refusedAt = time.now();
  await one.refused(await first, 2_000);
  void other.acquire('interactive').then(() => passed.push(time.now()));
  await time.runUntil(time.now() + 5_000);
  expect(passed).toHaveLength(1);
  expect((passed[0] ?? 0) - refusedAt).toBeGreaterThanOrEqual(2_000);
});

test('a used-up month is said at once, at any instance, and ends', async () => {
  const { time, limiterOf } = limiterInVirtualTime('20/min,30000/month');
  const [one, other] = [limiterOf(), limiterOf()];
  await one.exhausted(60_000);
  await expect(one.acquire('interactive')).rejects.toMatchObject({ code: 'quota_exceeded' });
  await expect(other.acquire('background')).rejects.toMatchObject({ code: 'quota_exceeded' });
  await time.runUntil(time.now() + 60_001);
  const passed = one.acquire('interactive');
  await time.runUntil(time.now() + 6_000);
  await expect(passed).resolves.toHaveProperty('leftAt');
});

test('without a quota nobody waits, but for a refusal all the same', async () => {
  const { time, limiter } = limiterInVirtualTime('none');
  const permit = await limiter.acquire('background');
  await Promise.all(Array.from({ length: 100 }, () => limiter.acquire('background')));
  await limiter.refused(permit, 1_000);
  await expect(limiter.acquire('interactive')).rejects.toMatchObject({ code: 'busy' });
  await time.runUntil(time.now() + 1_001);
  await expect(limiter.acquire('interactive')).resolves.toHaveProperty('leftAt');
});

test('when the table does not answer, nothing leaves and everybody hears why', async () => {
  const { time } = limiterInVirtualTime('10/s');
  const broken: ScheduleStore = {
    read: () => Promise.reject(new Error('no table')),
    write: () => Promise.reject(new Error('no table')),
  };
  const limiter = createRateLimiter({ quota: parseQuota('10/s') ?? [], store: broken, clock: time });
  await expect(limiter.acquire('interactive')).rejects.toThrow('no table');
  await expect(limiter.acquire('background')).rejects.toThrow('no table');
});

test('a caller who asks again as soon as the table has failed is booked for', async () => {
  const { time, store } = limiterInVirtualTime('10/s');
  let fails = true;
  const broken: ScheduleStore = {
    ...store,
    read: () => (fails ? Promise.reject(new Error('no table')) : store.read()),
  };
  const limiter = createRateLimiter({ quota: parseQuota('10/s') ?? [], store: broken, clock: time });
  const passed: number[] = [];
  void limiter
    .acquire('interactive')
    .catch(() => {
      fails = false;
      return limiter.acquire('interactive');
    })
    .then(() => passed.push(time.now()));
  await time.runUntil(time.now() + 2_000);
  expect(passed).toHaveLength(1);
});
