import type { Training, TrainingTraces } from '../../training/machine.ts';

/** The most traces to which a training links; of more changes, only the newest are linked. */
const tracesAtMost = 16;
const none: TrainingTraces = { waiting: [], running: [], covered: [] };

/**
 * Updates the traces that wait for a training, belong to the running one or were covered by the last one, to match the
 * state machine's transition from `before` to `next`. `here`: `traceparent` of the active span, if any.
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
