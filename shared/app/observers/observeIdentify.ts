import type { Identify, IdentifyAnswer } from '../../identification/identify.ts';
import { record } from '../../telemetry/metrics.ts';
import { inSpan } from '../../telemetry/spans.ts';

/** Wraps `identify` so that it has a span, and confidences and margins are recorded. */
export function observeIdentify(identify: Identify): Identify {
  return (group, source, query, as) =>
    inSpan('identify', {}, async (span) => {
      const answer = await identify(group, source, query, as);
      measure(answer);
      span.setAttribute('rollcall.faces', answer.faces.length);
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
