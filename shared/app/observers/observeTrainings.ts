import type { Trainings } from '../../records/trainings.ts';
import { untrained, type Training } from '../../training/machine.ts';
import { record } from '../../telemetry/metrics.ts';
import { recordSpan } from '../../telemetry/spans.ts';

/** Wraps the trainings so that each is counted, timed and has a span. */
export function observeTrainings(trainings: Trainings<Training>, now: () => number): Trainings<Training> {
  return {
    ...trainings,
    async change(group, transition) {
      let before = untrained;
      const after = await trainings.change(group, (training) => {
        before = training;
        return transition(training);
      });
      tell(before, after, now());
      return after;
    },
  };
}

function tell(before: Training, after: Training, now: number): void {
  const { running } = before;
  if (running === undefined) return;
  const hasSucceeded = after.lastSucceeded !== before.lastSucceeded;
  if (!hasSucceeded && after.failures === before.failures) return;
  const outcome = { 'rollcall.outcome': hasSucceeded ? 'succeeded' : 'failed' };
  record('rollcall.trainings', 1, outcome);
  if (hasSucceeded) {
    record('rollcall.training.duration', (after.lastTookMs ?? 0) / 1_000);
    record('rollcall.training.wait', Math.max(0, now - running.covers) / 1_000);
  }
  recordSpan('train', {
    startedAt: running.startedAt,
    attributes: { ...outcome, 'rollcall.training.number': before.begun },
  });
}
