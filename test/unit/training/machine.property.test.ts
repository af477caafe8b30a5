import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  accepted,
  changed,
  decide,
  failed,
  isCovered,
  started,
  stateOf,
  stillRunning,
  succeeded,
  untrained,
  type Training,
} from '../../../shared/training/machine.ts';
import { sizeOf } from '../../helpers/size.ts';

const debounce = { quietMs: 2_000, maxWaitMs: 8_000 };

/** Face, as the machine sees it: trains for so long, fails or loses an answer now and then. */
type Step =
  | { kind: 'change' }
  | { kind: 'wait'; ms: number }
  | { kind: 'crash' }
  | { kind: 'faceFails'; times: number }
  | { kind: 'answerLost' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Step>({ kind: 'change' }) },
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 6_000 }).map((ms): Step => ({ kind: 'wait', ms })) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'crash' }) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 3 }).map((times): Step => ({ kind: 'faceFails', times })),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'answerLost' }) },
);

/** Runs a history in virtual time against a model of Face; ticks come whenever the machine asked for one. */
function simulate(steps: readonly Step[], trainingMs: number) {
  let now = 1_000_000;
  let training: Training = untrained;
  let failures = 0;
  let loseAnswer = false;
  const changes: number[] = [];
  const trainings: { beganAt: number; endsAt: number; succeeds: boolean }[] = [];
  const running = () => trainings.find(({ endsAt }) => endsAt > now);

  function tick(): void {
    const decision = decide(training, debounce, now);
    if (decision.do === 'train') {
      training = started(training, now);
      // One training at a time: Face answers 409 while one runs.
      if (running() !== undefined) return void (training = stillRunning(training, now));
      trainings.push({ beganAt: now, endsAt: now + trainingMs, succeeds: failures === 0 });
      failures = Math.max(0, failures - 1);
      training = loseAnswer ? stillRunning(training, now) : accepted(training, training.begun, now);
      loseAnswer = false;
    } else if (decision.do === 'poll') {
      const last = trainings.at(-1);
      if (running() !== undefined || last === undefined) training = stillRunning(training, now);
      else
        training = last.succeeds
          ? succeeded(training, training.begun, trainingMs)
          : failed(training, training.begun, 'training_failed', now);
    }
  }

  function pass(ms: number): void {
    const end = now + ms;
    while (now < end) {
      const decision = decide(training, debounce, now);
      const due = decision.do === 'nothing' ? end : decision.do === 'wait' ? decision.until : now;
      now = Math.min(end, Math.max(now + 1, due));
      tick();
    }
  }

  for (const next of steps) {
    if (next.kind === 'change') {
      training = changed(training, now);
      changes.push(now);
    } else if (next.kind === 'wait') pass(next.ms);
    else if (next.kind === 'faceFails') failures += next.times;
    else if (next.kind === 'answerLost') loseAnswer = true;
    // Killed between writing the intention and calling: the row says running, and Face knows nothing.
    else if (decide(training, debounce, now).do === 'train') training = started(training, now);
  }
  const endOfHistory = now;
  // Long enough for every retry of the worst history.
  pass(10 * 3_600_000);
  return { training, changes, trainings, endOfHistory };
}

test('every change is covered by a successful training that began after it', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 50, max: 20_000 }),
      (steps, trainingMs) => {
        const { training, changes, trainings } = simulate(steps, trainingMs);
        expect(isCovered(training)).toBe(true);
        expect(stateOf(training)).toBe('idle');
        for (const at of changes) {
          expect(trainings.some(({ beganAt, succeeds }) => succeeds && beganAt >= at)).toBe(true);
        }
      },
    ),
    { numRuns: sizeOf({ quick: 200, full: 20_000 }) },
  );
});

test('at most one training runs at a time', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 50, max: 20_000 }),
      (steps, trainingMs) => {
        const { trainings } = simulate(steps, trainingMs);
        for (const [index, { beganAt }] of trainings.entries()) {
          const before = trainings[index - 1];
          if (before !== undefined) expect(beganAt).toBeGreaterThanOrEqual(before.endsAt);
        }
      },
    ),
    { numRuns: sizeOf({ quick: 100, full: 10_000 }) },
  );
});

test('a burst of length D costs at most 2 + ⌈D / max wait⌉ trainings', () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 100 });
  fc.assert(
    fc.property(pauses, fc.integer({ min: 50, max: 1_500 }), (gaps, trainingMs) => {
      const steps = gaps.flatMap((ms): Step[] => [{ kind: 'change' }, { kind: 'wait', ms }]);
      const { trainings } = simulate(steps, trainingMs);
      const length = gaps.reduce((sum, gap) => sum + gap, 0);
      expect(trainings.length).toBeLessThanOrEqual(2 + Math.ceil(length / debounce.maxWaitMs));
    }),
    { numRuns: sizeOf({ quick: 100, full: 10_000 }) },
  );
});
