import type { Identify, IdentifyAnswer } from '../../identification/identify.ts';
import type { Trainings } from '../../records/trainings.ts';
import type { Training } from '../../training/machine.ts';
import { record } from '../../telemetry/metrics.ts';
import { inSpan, readTraceparent } from '../../telemetry/spans.ts';

/**
 * Wraps `identify` so that confidences and margins are recorded. The span of the first answer with a candidate after a
 * training links to the traces of the images that the training covers, so that a trace leads from a blob to the first
 * time that its face can be found.
 */
export function observeIdentify(identify: Identify, trainings: Trainings<Training>): Identify {
  return (group, source, query, as) =>
    inSpan('identify', {}, async (span) => {
      const answer = await identify(group, source, query, as);
      measure(answer);
      span.setAttribute('rollcall.faces', answer.faces.length);
      const namesSomebody = answer.faces.some(({ candidates }) => candidates.length > 0);
      if (namesSomebody && span.isRecording()) {
        for (const cause of await takeCovered(trainings, group.group)) {
          const context = readTraceparent(cause);
          if (context !== undefined) span.addLink({ context });
        }
      }
      return answer;
    });
}

function measure({ faces }: IdentifyAnswer): void {
  for (const { candidates } of faces) {
    const [best, second] = candidates;
    if (best !== undefined) record('rollcall.identify.confidence', best.confidence);
    if (best !== undefined && second !== undefined)
      record('rollcall.identify.margin', best.confidence - second.confidence);
  }
}

/** Takes the traces that the last training covers and that no answer has linked to yet. */
async function takeCovered(trainings: Trainings<Training>, group: string): Promise<readonly string[]> {
  const { traces } = (await trainings.get(group)) ?? {};
  if (traces === undefined || traces.covered.length === 0) return [];
  await trainings.change(group, (training) =>
    training.traces === undefined ? training : { ...training, traces: { ...training.traces, covered: [] } },
  );
  return traces.covered;
}
