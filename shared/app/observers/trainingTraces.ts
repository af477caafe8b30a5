import type { Training, TrainingTraces } from '../../training/machine.ts';

/** A training of more changes than this links to the newest of them. */
const tracesAtMost = 16;
const none: TrainingTraces = { waiting: [], running: [], covered: [] };

/**
 * Which traces wait for a training, are in the one that runs, and were covered by the last: carried along with what
 * the machine decided. `here` is the trace at work, if any.
 */
export function carryTraces(before: Training, next: Training, here: string | undefined): Training {
  const { traces = none } = before;
  const moved = noted(move(traces, before, next), before, next, here);
  return moved === traces ? next : { ...next, traces: moved };
}

function move(traces: TrainingTraces, before: Training, next: Training): TrainingTraces {
  if (next.lastSucceeded !== before.lastSucceeded) return { ...traces, running: [], covered: traces.running };
  if (next.failures > before.failures)
    return { ...traces, running: [], waiting: newest([...traces.running, ...traces.waiting]) };
  if (next.begun > before.begun)
    return { ...traces, waiting: [], running: newest([...traces.running, ...traces.waiting]) };
  return traces;
}

function noted(traces: TrainingTraces, before: Training, next: Training, here: string | undefined) {
  const isChange = next.lastChangedAt !== undefined && next.lastChangedAt !== before.lastChangedAt;
  if (!isChange || here === undefined || next.failures > before.failures) return traces;
  return { ...traces, waiting: newest([...traces.waiting, here]) };
}

function newest(traces: readonly string[]): string[] {
  return traces.slice(-tracesAtMost);
}
