import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createQuotaGate, slotOf, TurnFarAway, type Lane } from '../../shared/quota/gate.ts';
import { parseQuota } from '../../shared/quota/quota.ts';

// A mocked clock: hours of quota pass in milliseconds.
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

const tenASecond = [{ calls: 10, windowMs: 1_000 }];

function departures(gate: ReturnType<typeof createQuotaGate>, answerMs = 10) {
  const left: { lane: Lane; at: number }[] = [];
  const refused: unknown[] = [];
  const pass = (lane: Lane) =>
    gate.pass(lane).then(
      (answered) => {
        left.push({ lane, at: Date.now() });
        setTimeout(answered, answerMs);
      },
      (error: unknown) => void refused.push(error),
    );
  return { left, refused, pass };
}

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

test('however the calls come, no window of a second sees more than ten, also when they arrive 50 ms off', async () => {
  const { left, pass } = departures(
    createQuotaGate({ quota: tenASecond, jitterMs: 50, patienceMs: Infinity }),
  );
  for (let burst = 0; burst < 5; burst += 1) {
    for (let call = 0; call < 25; call += 1) void pass(call % 3 === 0 ? 'interactive' : 'background');
    await vi.advanceTimersByTimeAsync(700 * (burst + 1));
  }
  await vi.advanceTimersByTimeAsync(60_000);
  expect(left).toHaveLength(125);
  for (const [index, { at }] of left.entries()) {
    const eleventh = left[index + 10];
    // The first may arrive 50 ms late and the eleventh on time: they must still be a window apart.
    if (eleventh !== undefined) expect(eleventh.at - (at + 50)).toBeGreaterThanOrEqual(1_000);
  }
});

test('no window of a second sees more than ten arrivals, when each arrives at any time before its answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(240), fc.double({ min: 0, max: 1, noNaN: true })), {
        minLength: 30,
        maxLength: 60,
      }),
      async (calls) => {
        const gate = createQuotaGate({ quota: tenASecond, jitterMs: 0, patienceMs: Infinity });
        const arrivals: number[] = [];
        for (const [answerMs, share] of calls) {
          void gate.pass('background').then((answered) => {
            arrivals.push(Date.now() + share * answerMs);
            setTimeout(answered, answerMs);
          });
        }
        await vi.advanceTimersByTimeAsync(30_000);
        expect(arrivals).toHaveLength(calls.length);
        arrivals.sort((a, b) => a - b);
        for (const [index, at] of arrivals.entries()) {
          const eleventh = arrivals[index + 10];
          if (eleventh !== undefined) expect(eleventh - at).toBeGreaterThanOrEqual(1_000);
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('while there is a backlog, the quota is used to 1/(1 + J/W)', async () => {
  const { left, pass } = departures(
    createQuotaGate({ quota: tenASecond, jitterMs: 50, patienceMs: Infinity }),
  );
  for (let call = 0; call < 1_000; call += 1) void pass('background');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(left.length).toBeGreaterThanOrEqual(0.99 * (600 / 1.05));
});

test('an interactive call goes before all background calls that wait', async () => {
  const { left, pass } = departures(createQuotaGate({ quota: tenASecond, jitterMs: 0 }));
  for (let call = 0; call < 20; call += 1) void pass('background');
  await vi.advanceTimersByTimeAsync(250);
  void pass('interactive');
  await vi.advanceTimersByTimeAsync(100);
  expect(left.at(-1)?.lane).toBe('interactive');
});

test('who would wait too long is told when to come back, instead of waiting', async () => {
  const { left, refused, pass } = departures(
    createQuotaGate({ quota: tenASecond, jitterMs: 0, patienceMs: 1_000 }),
  );
  for (let call = 0; call < 30; call += 1) void pass('background');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(left.length).toBeGreaterThanOrEqual(10);
  expect(left.length + refused.length).toBe(30);
  expect(refused.every((error) => error instanceof TurnFarAway && error.inMs > 1_000)).toBe(true);
});

test('after a refusal nothing leaves until its time is over', async () => {
  const gate = createQuotaGate({ quota: tenASecond, jitterMs: 0 });
  const { left, pass } = departures(gate);
  gate.refused(2_000);
  void pass('interactive');
  await vi.advanceTimersByTimeAsync(1_990);
  expect(left).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(20);
  expect(left).toHaveLength(1);
});

test('a used-up month is said at once, and ends', async () => {
  const gate = createQuotaGate({ quota: tenASecond });
  gate.exhausted(60_000);
  await expect(gate.pass('interactive')).rejects.toMatchObject({ code: 'quota_exceeded' });
  await vi.advanceTimersByTimeAsync(60_001);
  await expect(gate.pass('interactive')).resolves.toBeTypeOf('function');
});

test('the free plan is one call every three seconds; without a quota nobody waits', async () => {
  expect(slotOf(parseQuota('20/min,30000/month') ?? [], 0)).toBe(3_000);
  const { left, pass } = departures(createQuotaGate({ quota: [] }));
  for (let call = 0; call < 100; call += 1) void pass('background');
  await vi.advanceTimersByTimeAsync(1);
  expect(left).toHaveLength(100);
});
