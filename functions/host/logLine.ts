import { codeOf, describeError } from '../../shared/errors/errors.ts';
import { readTraceparent, traceparent } from '../../shared/telemetry/spans.ts';

/** A line of the log as JSON: the code is that of the table of errors, the trace is the one at work. */
export function logLine(level: 'info' | 'warn' | 'error', message: string, error?: unknown): string {
  const trace = readTraceparent(traceparent() ?? '');
  return JSON.stringify({
    level,
    message,
    ...(error === undefined ? {} : { code: codeOf(error), detail: describeError(error) }),
    ...(trace === undefined ? {} : { trace_id: trace.traceId, span_id: trace.spanId }),
  });
}
