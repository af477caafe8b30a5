import { AsyncLocalStorage } from 'node:async_hooks';

/** The IDs of a request, shared by its caller and by the services that the request calls in turn. */
export type RequestContext = { requestId: string; traceparent?: string; tracestate?: string };

const current = new AsyncLocalStorage<RequestContext>();

// https://www.w3.org/TR/trace-context/ forbids version ff and IDs that consist of zeros only.
const traceparentForm = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const tracestateForm = /^[\x20-\x7e]{1,512}$/;
const requestIdForm = /^[\x21-\x7e]{1,128}$/;

/**
 * Reads the request context from the caller's headers, so that the caller and this service log the same ID. A missing
 * or malformed `x-request-id` is replaced by `ourId`.
 */
export function parseRequestContext(
  header: (name: string) => string | undefined,
  ourId: string,
): RequestContext {
  const requestId = header('x-request-id') ?? '';
  const traceparent = header('traceparent') ?? '';
  const tracestate = header('tracestate') ?? '';
  const isTraced = traceparentForm.test(traceparent);
  return {
    requestId: requestIdForm.test(requestId) ? requestId : ourId,
    ...(isTraced && { traceparent }),
    // A tracestate has no meaning without a traceparent.
    ...(isTraced && tracestateForm.test(tracestate) && { tracestate }),
  };
}

/** Runs the work of a request, with `requestContext` returning the given context within it. */
export function withContext<Result>(context: RequestContext, work: () => Promise<Result>): Promise<Result> {
  return current.run(context, work);
}

/** The context of the request being answered; undefined in a function started by a message or a timer. */
export function requestContext(): RequestContext | undefined {
  return current.getStore();
}

/** Response headers that return the IDs of the request to the caller. */
export function answerHeaders({ requestId, traceparent }: RequestContext): Record<string, string> {
  return { 'x-request-id': requestId, ...(traceparent !== undefined && { traceparent }) };
}
