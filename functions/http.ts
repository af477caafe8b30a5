import { app, type HttpHandler, type HttpRequest, type HttpResponseInit } from '@azure/functions';
import { describeError, RollcallError } from '../shared/errors.ts';
import { failureOf, problemOf } from '../shared/http/problem.ts';
import type { ApiRequest, Route } from '../shared/http/route.ts';
import { routes } from '../shared/http/routes.ts';
import { rollcall } from './app.ts';

/** The HTTP functions: one a row of the route table, and one for every path that is not in it. */
for (const route of routes) {
  app.http(route.name, {
    methods: [route.method],
    route: route.path,
    authLevel: route.access === 'open' ? 'anonymous' : 'function',
    handler: answer(route.handle),
  });
}

app.http('noSuchRoute', {
  methods: ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'],
  route: '{*path}',
  authLevel: 'anonymous',
  handler: answer(() => Promise.reject(new RollcallError('route_not_found'))),
});

function answer(handle: Route['handle']): HttpHandler {
  return async (request, context): Promise<HttpResponseInit> => {
    try {
      const { status = 200, headers = {}, body } = await handle(requestOf(request), rollcall);
      return { status, headers, jsonBody: body };
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code === 'internal') context.error(describeError(failure.cause));
      const { status, headers, body } = problemOf(failure);
      return { status, headers, body: JSON.stringify(body) };
    }
  };
}

function requestOf(request: HttpRequest): ApiRequest {
  return {
    method: request.method,
    params: request.params,
    query: Object.fromEntries(request.query),
    header: (name) => request.headers.get(name) ?? undefined,
    async body(limit) {
      const bytes = new Uint8Array(await request.arrayBuffer());
      if (bytes.length > limit)
        throw new RollcallError('image_too_large', `The body is over ${limit} bytes.`);
      return bytes;
    },
  };
}
