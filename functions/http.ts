import {
  app,
  type HttpHandler,
  type HttpRequest,
  type HttpResponseInit,
  type InvocationContext,
} from '@azure/functions';
import { RollcallError } from '../shared/errors/errors.ts';
import { authorize, callerOf, principalHeader } from '../shared/http/access.ts';
import { allMethods, answerUnrouted, methodsOf } from '../shared/http/methods.ts';
import { toProblem } from '../shared/http/problem.ts';
import { toRollcallError } from '../shared/pipeline/failurePolicy.ts';
import { noQuery, queryOf } from '../shared/http/query.ts';
import { touchesStorage, type ApiAnswer, type ApiRequest, type Route } from '../shared/http/route.ts';
import { routes } from '../shared/http/routes.ts';
import {
  answerHeaders,
  parseRequestContext,
  withContext,
  type RequestContext,
} from '../shared/telemetry/requestContext.ts';
import { pipeline, uncheckedPipeline } from './host/app.ts';
import { settings } from './host/settings.ts';
import { logLine } from './host/logLine.ts';

const behindEntra = settings.ROLLCALL_AUTH === 'entra';

/** Registers one HTTP function for each row of the route table. `noSuchRoute` below answers all other requests. */
for (const route of routes) {
  app.http(route.name, {
    methods: methodsOf(route),
    route: route.path,
    authLevel: route.access === 'open' || behindEntra ? 'anonymous' : 'function',
    handler: answer(
      route.name,
      touchesStorage(route) ? pipeline : uncheckedPipeline,
      async (request, rollcall) => {
        if (behindEntra) authorize(route.access, request.header(principalHeader));
        if (route.query === undefined) queryOf(request, noQuery);
        return route.handle(request, rollcall);
      },
    ),
  });
}

app.http('noSuchRoute', {
  methods: [...allMethods],
  route: '{*path}',
  authLevel: 'anonymous',
  handler: answer('noSuchRoute', uncheckedPipeline, async ({ method, path }) =>
    answerUnrouted(routes, method, path),
  ),
});

function answer(route: string, load: typeof pipeline, handle: Route['handle']): HttpHandler {
  return (request, invocation) => {
    const asked = requestOf(request, route);
    const context = parseRequestContext(asked.header, invocation.invocationId);
    return withContext(context, () => answerIn(context, async () => handle(asked, await load()), invocation));
  };
}

async function answerIn(
  context: RequestContext,
  handle: () => Promise<ApiAnswer>,
  invocation: InvocationContext,
): Promise<HttpResponseInit> {
  const named = answerHeaders(context);
  try {
    const { status = 200, headers = {}, body } = await handle();
    return { status, headers: { ...headers, ...named }, jsonBody: body };
  } catch (error) {
    const failure = toRollcallError(error);
    if (failure.code === 'internal')
      invocation.error(logLine('error', `request ${context.requestId} failed`, failure));
    const { status, headers, body } = toProblem(failure);
    return { status, headers: { ...headers, ...named }, body: JSON.stringify(body) };
  }
}

function requestOf(request: HttpRequest, route: string): ApiRequest {
  const header: ApiRequest['header'] = (name) => request.headers.get(name) ?? undefined;
  let read: Promise<Uint8Array> | undefined;
  return {
    method: request.method,
    path: new URL(request.url).pathname,
    route,
    caller: () => (behindEntra ? callerOf(header(principalHeader)) : ''),
    params: request.params,
    query: Object.fromEntries(request.query),
    header,
    async body(limit, tooLarge) {
      const refuse = () => new RollcallError(tooLarge, `The body is over ${limit} bytes.`);
      if (Number(request.headers.get('content-length') ?? 0) > limit) throw refuse();
      // The Functions host already holds the body in memory, and limits it to 100 MB.
      read ??= request.arrayBuffer().then((buffer) => new Uint8Array(buffer));
      const bytes = await read;
      if (bytes.length > limit) throw refuse();
      return bytes;
    },
  };
}
