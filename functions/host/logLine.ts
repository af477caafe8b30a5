import { describeError } from '../../shared/errors/describeError.ts';
import { codeOf } from '../../shared/errors/errors.ts';
import { readTraceparent, traceparent } from '../../shared/telemetry/spans.ts';

/** Formats a log line as JSON, with the code of the error table and the trace and span IDs of the active span. */
export function logLine(level: 'info' | 'warn' | 'error', message: string, error?: unknown): string {
  const trace = readTraceparent(traceparent() ?? '');
  return JSON.stringify({
    level,
    message,
    ...(error !== undefined && { code: codeOf(error), detail: describeError(error) }),
    ...(trace !== undefined && { trace_id: trace.traceId, span_id: trace.spanId }),
  });
}
