import { expect, test } from 'vitest';
import { carryTraces } from '../../../shared/app/observers/trainingTraces.ts';
import { readTraceparent } from '../../../shared/telemetry/spans.ts';
import {
  accepted,
  changed,
  failed,
  started,
  succeeded,
  untrained,
  type Training,
} from '../../../shared/training/machine.ts';

const trace = (number: number) => `00-${String(number).padStart(32, '0')}-00000000000000ab-01`;
const step = (before: Training, next: Training, here?: string) => carryTraces(before, next, here);

test('a trace waits with its change, is in the training that covers it, and was covered when that succeeds', () => {
  const noted = step(untrained, changed(untrained, 1_000), trace(1));
  expect(noted.traces).toEqual({ waiting: [trace(1)], running: [], covered: [] });
  const running = step(noted, accepted(started(noted, 2_000), 1, 2_000));
  expect(running.traces).toEqual({ waiting: [], running: [trace(1)], covered: [] });
  const meanwhile = step(running, changed(running, 3_000), trace(2));
  expect(meanwhile.traces).toEqual({ waiting: [trace(2)], running: [trace(1)], covered: [] });
  const done = step(meanwhile, succeeded(meanwhile, 1, 500));
  expect(done.traces).toEqual({ waiting: [trace(2)], running: [], covered: [trace(1)] });
});

test('a training that fails gives its traces back, and they are in the next', () => {
  const noted = step(untrained, changed(untrained, 1_000), trace(1));
  const running = step(noted, started(noted, 2_000));
  const broken = step(running, failed(running, 1, 'training_failed', 3_000), trace(9));
  expect(broken.traces).toEqual({ waiting: [trace(1)], running: [], covered: [] });
  const again = step(broken, started(broken, 9_000));
  expect(again.traces?.running).toEqual([trace(1)]);
});

test('of a burst the newest sixteen are kept, and without a trace nothing is written', () => {
  let training: Training = untrained;
  for (let number = 1; number <= 40; number += 1) {
    training = step(training, changed(training, number * 1_000), trace(number));
  }
  expect(training.traces?.waiting).toHaveLength(16);
  expect(training.traces?.waiting.at(-1)).toBe(trace(40));
  expect(step(untrained, changed(untrained, 1_000)).traces).toBeUndefined();
});

test('what is no traceparent begins no trace', () => {
  expect(readTraceparent(trace(7))).toMatchObject({ spanId: '00000000000000ab', isRemote: true });
  for (const text of [
    '',
    'x',
    `00-${'0'.repeat(32)}-00000000000000ab-01`,
    trace(7).slice(0, -1),
    `01${trace(7)}`,
  ])
    expect(readTraceparent(text)).toBeUndefined();
});
