import { expect, test } from 'vitest';
import {
  accepted,
  changed,
  decide,
  emptied,
  failed,
  isCovered,
  started,
  stateOf,
  succeeded,
  untrained,
} from '../../../shared/training/machine.ts';

const debounce = { quietMs: 2_000, maxWaitMs: 8_000 };

test('a change waits for the quiet, and no longer than the longest wait', () => {
  const first = changed(untrained, 10_000);
  expect(decide(first, debounce, 11_000)).toEqual({ do: 'wait', kind: 'change', until: 12_000 });
  const busy = [11_000, 12_500, 14_000, 15_500, 17_000].reduce(changed, first);
  expect(decide(busy, debounce, 17_500)).toEqual({ do: 'wait', kind: 'change', until: 18_000 });
  expect(decide(busy, debounce, 18_000)).toEqual({ do: 'train' });
});

test('a failed training is shown, and tried again with growing pauses', () => {
  let training = changed(untrained, 0);
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 6; attempt += 1) {
    training = failed(accepted(started(training, 0), attempt + 1, 0), attempt + 1, 'training_failed', 0);
    expect(stateOf(training)).toBe('failed');
    expect(isCovered(training)).toBe(false);
    pauses.push(training.retryAt ?? 0);
  }
  expect(pauses).toEqual([2_000, 5_000, 15_000, 60_000, 300_000, 300_000]);
});

test('an emptied group waits for nothing and counts as never trained', () => {
  const trained = succeeded(accepted(started(changed(untrained, 0), 10), 1, 20), 1, 30);
  const empty = emptied(changed(trained, 40));
  expect(isCovered(empty)).toBe(true);
  expect(empty.lastTrainedAt).toBeUndefined();
});
