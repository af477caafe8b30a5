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
 * Traces and metrics go through @opentelemetry/api alone: without an SDK, which the functions start where
 * ROLLCALL_TELEMETRY asks for one, all of it does nothing. An attribute is a code, a count or the name of a queue or
 * operation; never a name, a path, a face or a secret.
 */

const scope = 'rollcall';

export type SpanOptions = {
  kind?: SpanKind;
  attributes?: Attributes;
  /** W3C `traceparent` of who caused this; the span continues that trace and links to it. */
  causedBy?: string | undefined;
};

/** Runs `work` in a span that ends with it. A failure marks it with its code. */
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

/** A call that the rate limiter deferred did not fail. */
function markFailed(span: Span, error: unknown): void {
  if (deferredForMs(error) !== undefined) {
    span.setAttribute('rollcall.turn_far_away', true);
    return;
  }
  span.setAttribute('error.type', codeOf(error));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** A span of the past, such as a training that Face has finished, with links to what caused it. */
export function recordSpan(
  name: string,
  { startedAt, causes, attributes }: { startedAt: number; causes: readonly string[]; attributes: Attributes },
): void {
  const links = causes.map(readTraceparent).filter((cause) => cause !== undefined);
  trace
    .getTracer(scope)
    .startSpan(name, { startTime: startedAt, attributes, links: links.map((cause) => ({ context: cause })) })
    .end();
}

/** W3C `traceparent` of the span that is at work; undefined without one. */
export function traceparent(): string | undefined {
  const here = trace.getSpanContext(context.active());
  if (here === undefined || !trace.isSpanContextValid(here)) return undefined;
  return `00-${here.traceId}-${here.spanId}-${here.traceFlags.toString(16).padStart(2, '0')}`;
}

/** Undefined when the text is no `traceparent`. */
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
