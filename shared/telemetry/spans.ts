import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { codeOf, deferredForMs } from '../errors/errors.ts';

/*
 * Traces and metrics use only @opentelemetry/api, which does nothing without an SDK. The functions start an SDK where
 * ROLLCALL_TELEMETRY asks for one. An attribute is a code, a count or the name of a queue or operation; never the name
 * of a person, a path, a face or a secret.
 */

const scope = 'rollcall';

export type SpanOptions = {
  kind?: SpanKind;
  attributes?: Attributes;
  /** W3C `traceparent` of the span that caused this one; the new span continues that trace and links to it. */
  causedBy?: string | undefined;
};

/** Runs `work` in a span that ends when `work` ends. A failure marks the span with the failure's code. */
export function inSpan<Result>(
  name: string,
  { kind = SpanKind.INTERNAL, attributes = {}, causedBy }: SpanOptions,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const cause = causedBy === undefined ? undefined : readTraceparent(causedBy);
  const links = cause === undefined ? [] : [{ context: cause }];
  const parent = cause === undefined ? context.active() : trace.setSpanContext(context.active(), cause);
  return trace.getTracer(scope).startActiveSpan(name, { kind, attributes, links }, parent, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      markFailed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Marks a span as failed, unless the error says that the rate limiter deferred the call. */
function markFailed(span: Span, error: unknown): void {
  if (deferredForMs(error) !== undefined) {
    span.setAttribute('rollcall.deferred', true);
    return;
  }
  span.setAttribute('error.type', codeOf(error));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** Records a span that ends now and began earlier, such as a training in Face. */
export function recordSpan(
  name: string,
  { startedAt, attributes }: { startedAt: number; attributes: Attributes },
): void {
  trace.getTracer(scope).startSpan(name, { startTime: startedAt, attributes }).end();
}

/** W3C `traceparent` of the active span; undefined when no span is active. */
export function traceparent(): string | undefined {
  const here = trace.getSpanContext(context.active());
  if (here === undefined || !trace.isSpanContextValid(here)) return undefined;
  return `00-${here.traceId}-${here.spanId}-${here.traceFlags.toString(16).padStart(2, '0')}`;
}

/** Parses a W3C `traceparent`; undefined when the text is none. */
export function readTraceparent(text: string): SpanContext | undefined {
  const match = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(text);
  if (match === null) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = match;
  const found = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
  return trace.isSpanContextValid(found) ? found : undefined;
}
