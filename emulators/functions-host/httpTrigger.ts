import { STATUS_CODES, type IncomingMessage } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { RegisteredFunction, TypedData } from './core.ts';
import { noSchemas } from '../common/noSchemas.ts';
import { createBodyRoom } from './bodyRoom.ts';
import { shows, type HostKeys } from './keys.ts';
import { triggerOf, type Invoke } from './invoke.ts';

/** The real host takes requests of at most 100 MB (`FUNCTIONS_REQUEST_BODY_SIZE_LIMIT`). */
const bodyLimit = 100 * 1024 * 1024;

/** A caller that is refused before its body has come may go on sending for this long, to read the answer after it. */
const lingerMs = 30_000;

export type HttpLimits = {
  /** What the bodies of all requests under way may have together. */
  bodiesBytes: number;
  headersMs: number;
  /** How long a request may take to arrive, from its first byte to its last. */
  requestMs: number;
  checkedEveryMs: number;
  connections: number;
};

const usualLimits: HttpLimits = {
  bodiesBytes: 256 * 1024 * 1024,
  headersMs: 15_000,
  requestMs: 60_000,
  checkedEveryMs: 5_000,
  connections: 1_000,
};

/** The content types of requests as they came. */
const givenTypes = new WeakMap<object, string>();

/** The HTTP server of the host. Bodies stay bytes: what they mean is the function's business. */
export function createHttpServer(limits = usualLimits): FastifyInstance {
  const server = fastify({
    bodyLimit,
    requestTimeout: limits.requestMs,
    http: { headersTimeout: limits.headersMs, connectionsCheckingInterval: limits.checkedEveryMs },
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    schemaController: noSchemas,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 2_000 },
    // A URL that cannot be decoded.
    frameworkErrors: (_error, _request, reply) => void refuse(reply, 400),
    clientErrorHandler(error, socket) {
      if (error.code === 'ECONNRESET' || !socket.writable) return;
      const status = statusOfClientError(error.code);
      const body = problem(status);
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${problemType}\r\n` +
          `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      );
    },
  });
  server.server.maxConnections = limits.connections;
  server.addHook('onRequest', async (request, reply) => {
    if (Number(request.headers['content-length'] ?? 0) > bodyLimit) await refuse(reply, 413);
  });
  server.addHook('onResponse', (request, _reply, done) => {
    linger(request.raw);
    done();
  });
  const takesRoom = createBodyRoom(limits.bodiesBytes, bodyLimit);
  // After every `onRequest`, so after the keys, and before a byte of the body is read.
  server.addHook('preParsing', async (request, reply) => {
    // What nobody will look at is not read.
    if (request.is404) await refuse(reply, 404);
    else if (!takesRoom(request, reply)) await refuse(reply.header('retry-after', '1'), 429);
  });
  // What a body is of is the function's business: any type is taken, also one that is none.
  server.addHook('onRequest', (request, _reply, done) => {
    const type = request.raw.headers['content-type'];
    if (type !== undefined) {
      givenTypes.set(request.raw, type);
      request.raw.headers['content-type'] = 'application/octet-stream';
    }
    done();
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  server.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    // A connection that is closed while its caller sends is reset, and the caller does not see the answer.
    reply.removeHeader('connection');
    void refuse(reply, error.statusCode ?? 500);
  });
  server.setNotFoundHandler((_request, reply) => {
    void refuse(reply, 404);
  });
  return server;
}

function statusOfClientError(code: string | undefined): number {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
}

const problemType = 'application/problem+json';

/** What is left of a body is read and dropped, for a while. */
function linger(request: IncomingMessage): void {
  if (request.complete) return;
  const { socket } = request;
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  for (const event of ['end', 'close']) request.once(event, () => clearTimeout(timer));
}

/** The codes of what is refused before a function is asked. */
const codes: Record<number, string> = {
  404: 'route_not_found',
  413: 'body_too_large',
  500: 'internal',
  429: 'busy',
};

/** What is refused before a function is asked says nothing but its status and code, as a problem (RFC 9457) too. */
function refuse(reply: FastifyReply, status: number): FastifyReply {
  return reply.code(status).type(problemType).send(problem(status));
}

function problem(status: number): string {
  const code = codes[status] ?? 'bad_request';
  return JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, code });
}

/** Registers an HTTP function under its route. */
export function listenHttp(
  server: FastifyInstance,
  registered: RegisteredFunction,
  {
    routePrefix,
    invoke,
    keys,
    onRequest,
  }: {
    routePrefix: string;
    invoke: Invoke;
    keys: HostKeys | undefined;
    /** A request came: its method and path, which the real host logs. */
    onRequest: (method: string, path: string) => void;
  },
): void {
  const { binding } = triggerOf(registered.metadata.bindings);
  const route = String(binding['route'] ?? registered.metadata.name);
  const open = binding['authLevel'] === 'anonymous';
  const wildcard = /\{\*(\w+)\}/.exec(route)?.[1] ?? '*';
  for (const url of urlsOf(`/${routePrefix}/${route}`)) {
    server.route({
      method: methodsOf(binding['methods']),
      url,
      // Before the body is read. As the real host: without a body.
      async onRequest(request, reply) {
        if (!open && keys !== undefined && !shows(keys, 'functions', request)) await reply.code(401).send();
      },
      async handler(request, reply) {
        onRequest(request.method, request.url.split('?', 1)[0] ?? '');
        const { traceparent } = request.headers;
        const { returnValue } = await invoke(registered, {
          data: toHttpData(request, wildcard),
          traceParent: typeof traceparent === 'string' ? traceparent : undefined,
        });
        return answer(reply, request.method, returnValue);
      },
    });
  }
}

function methodsOf(methods: unknown): string[] {
  return Array.isArray(methods) && methods.length > 0 ? methods.map(String) : ['GET', 'POST'];
}

/** Route templates in the words of find-my-way: `{x}`, `{x:int}`, `{x?}` (with and without), `{*rest}`. */
export function urlsOf(template: string): string[] {
  const optional = /\/\{(\w+)(?::\w+)?\?\}$/.exec(template);
  if (optional !== null) {
    const base = template.slice(0, optional.index);
    return [...urlsOf(base), ...urlsOf(`${base}/{${optional[1]}}`)];
  }
  // As in ASP.NET, the rest of a path may be empty.
  const rest = /\/\{\*\w+\}$/.exec(template);
  if (rest !== null)
    return [template.slice(0, rest.index), `${template.slice(0, rest.index)}/*`].map(paramsOf);
  return [paramsOf(template)];
}

function paramsOf(template: string): string {
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
    // The real host joins repeated keys with a comma.
    url.searchParams.getAll(name).join(','),
  ]);
  const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [
    name,
    name === 'content-type'
      ? (givenTypes.get(request.raw) ?? '')
      : Array.isArray(value)
        ? value.join(',')
        : (value ?? ''),
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
      ...(body instanceof Uint8Array && body.length > 0 ? { body: { bytes: body } } : {}),
    },
  };
}

type HttpReturn = {
  statusCode?: string;
  headers?: Record<string, string>;
  body?: { bytes?: Uint8Array; string?: string };
};

function answer(reply: FastifyReply, method: string, returnValue: TypedData | undefined): FastifyReply {
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
