import { AsyncLocalStorage } from 'node:async_hooks';

/** What a request is called, by its caller and by those it calls in turn. */
export type RequestContext = { requestId: string; traceparent?: string; tracestate?: string };

const current = new AsyncLocalStorage<RequestContext>();

// https://www.w3.org/TR/trace-context/: no version ff, no ID of zeros only.
const traceparentForm = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const tracestateForm = /^[\x20-\x7e]{1,512}$/;
const requestIdForm = /^[\x21-\x7e]{1,128}$/;

/** What the caller named the request, so that all sides can find it in their logs; else our own name for it. */
export function contextOf(header: (name: string) => string | undefined, ourId: string): RequestContext {
  const requestId = header('x-request-id') ?? '';
  const traceparent = header('traceparent') ?? '';
  const tracestate = header('tracestate') ?? '';
  const isTraced = traceparentForm.test(traceparent);
  return {
    requestId: requestIdForm.test(requestId) ? requestId : ourId,
    ...(isTraced ? { traceparent } : {}),
    // Without its traceparent it says nothing.
    ...(isTraced && tracestateForm.test(tracestate) ? { tracestate } : {}),
  };
}

/** Runs the work of a request: what it calls is told of the context. */
export function withContext<Result>(context: RequestContext, work: () => Promise<Result>): Promise<Result> {
  return current.run(context, work);
}

/** The context of the request that is being answered; none where a message or a timer is at work. */
export function requestContext(): RequestContext | undefined {
  return current.getStore();
}

/** What the answer tells the caller. */
export function answerHeaders({ requestId, traceparent }: RequestContext): Record<string, string> {
  return { 'x-request-id': requestId, ...(traceparent === undefined ? {} : { traceparent }) };
}
