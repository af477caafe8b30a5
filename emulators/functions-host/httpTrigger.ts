import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RegisteredFunction, TypedData } from './core.ts';
import { readContentType } from './httpServer.ts';
import { findTrigger, type Invoke } from './invoke.ts';
import { hasKey, type HostKeys } from './keys.ts';

export type HttpTriggerOptions = {
  routePrefix: string;
  invoke: Invoke;
  /** Undefined: functions require no key. */
  keys: HostKeys | undefined;
  /** Called with the method and path of each request. */
  onRequest: (method: string, path: string) => void;
};

/** Adds the routes of an HTTP function to the server. */
export function listenToHttp(
  server: FastifyInstance,
  registered: RegisteredFunction,
  { routePrefix, invoke, keys, onRequest }: HttpTriggerOptions,
): void {
  const { binding } = findTrigger(registered.metadata.bindings);
  const route = String(binding['route'] ?? registered.metadata.name);
  const isOpen = binding['authLevel'] === 'anonymous';
  const wildcard = /\{\*(\w+)\}/.exec(route)?.[1] ?? '*';
  for (const url of toUrls(`/${routePrefix}/${route}`)) {
    server.route({
      method: toMethods(binding['methods']),
      url,
      // The key is checked before the body is read. The real host answers without a body, too.
      async onRequest(request, reply) {
        if (!isOpen && keys !== undefined && !hasKey(request, 'functions', keys))
          await reply.code(401).send();
      },
      async handler(request, reply) {
        onRequest(request.method, request.url.split('?', 1)[0] ?? '');
        const { traceparent } = request.headers;
        const { returnValue } = await invoke(registered, {
          data: toHttpData(request, wildcard),
          traceParent: typeof traceparent === 'string' ? traceparent : undefined,
        });
        return sendResponse(reply, request.method, returnValue);
      },
    });
  }
}

function toMethods(methods: unknown): string[] {
  return Array.isArray(methods) && methods.length > 0 ? methods.map(String) : ['GET', 'POST'];
}

/**
 * Translates a route template of Azure (`{x}`, `{x:int}`, `{x?}`, `{*rest}`) for find-my-way, the router of Fastify. An
 * optional part gives two URLs.
 */
export function toUrls(template: string): string[] {
  const optional = /\/\{(\w+)(?::\w+)?\?\}$/.exec(template);
  if (optional !== null) {
    const base = template.slice(0, optional.index);
    return [...toUrls(base), ...toUrls(`${base}/{${optional[1]}}`)];
  }
  // In ASP.NET the rest of a path may be empty.
  const rest = /\/\{\*\w+\}$/.exec(template);
  if (rest !== null)
    return [template.slice(0, rest.index), `${template.slice(0, rest.index)}/*`].map(toParameters);
  return [toParameters(template)];
}

function toParameters(template: string): string {
  return template
    .replaceAll(/\{(\w+):int\}/g, String.raw`:$1(^\d+$$)`)
    .replaceAll(/\{(\w+)(?::\w+)?\}/g, ':$1');
}

function toHttpData(request: FastifyRequest, wildcard: string): TypedData {
  const wrap = (values: Iterable<[string, string]>) =>
    Object.fromEntries([...values].map(([name, value]) => [name, { value }]));
  const url = new URL(request.url, `http://${request.headers.host ?? '127.0.0.1'}`);
  const query = [...new Set(url.searchParams.keys())].map((name): [string, string] => [
    name,
    // The real host joins the values of a repeated key with a comma.
    url.searchParams.getAll(name).join(','),
  ]);
  const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [
    name,
    name === 'content-type' ? readContentType(request.raw) : [value ?? ''].flat().join(','),
  ]);
  const params = Object.entries(request.params as Record<string, string>).map(
    ([name, value]): [string, string] => [name === '*' ? wildcard : name, value],
  );
  const body = request.body;
  return {
    http: {
      method: request.method,
      url: url.href,
      nullableHeaders: wrap(headers),
      nullableQuery: wrap(query),
      nullableParams: wrap(params),
      ...(body instanceof Uint8Array && body.length > 0 && { body: { bytes: body } }),
    },
  };
}

type HttpReturn = {
  statusCode?: string;
  headers?: Record<string, string>;
  body?: { bytes?: Uint8Array; string?: string };
};

function sendResponse(reply: FastifyReply, method: string, returnValue: TypedData | undefined): FastifyReply {
  const http = returnValue?.['http'] as HttpReturn | undefined;
  if (http === undefined) return reply.code(204).send();
  const status = Number(http.statusCode ?? 200);
  reply.code(status).headers(http.headers ?? {});
  const bodyless = method === 'HEAD' || [204, 205, 304].includes(status);
  const body = http.body?.bytes ?? http.body?.string;
  if (method === 'HEAD' && body !== undefined) reply.header('content-length', Buffer.byteLength(body));
  return bodyless || body === undefined
    ? reply.send()
    : reply.send(typeof body === 'string' ? body : Buffer.from(body));
}
