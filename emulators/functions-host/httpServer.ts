import { STATUS_CODES, type IncomingMessage } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { noSchemas } from '../common/noSchemas.ts';
import { createBodyBudget } from './bodyBudget.ts';

/** Limit of the real host: 100 MB (`FUNCTIONS_REQUEST_BODY_SIZE_LIMIT`). */
const bodyLimit = 100 * 1024 * 1024;

/** How long a caller that is refused early may go on sending its body: many clients read a response only after that. */
const lingerMs = 30_000;

export type HttpLimits = {
  /** Memory for the bodies of all requests that are being handled. */
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

/** The content types of requests as the callers sent them. */
const contentTypes = new WeakMap<object, string>();

/** Makes the HTTP server of the host. Bodies stay bytes, because only the function knows what a body means. */
export function createHttpServer(limits = usualLimits): FastifyInstance {
  const server = fastify({
    bodyLimit,
    requestTimeout: limits.requestMs,
    http: { headersTimeout: limits.headersMs, connectionsCheckingInterval: limits.checkedEveryMs },
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    schemaController: noSchemas,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 2_000 },
    // Fastify reports here a URL that cannot be decoded.
    frameworkErrors: (_error, _request, reply) => void refuse(reply, 400),
    clientErrorHandler(error, socket) {
      if (error.code === 'ECONNRESET' || !socket.writable) return;
      const status = toStatus(error.code);
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
  const reserveBody = createBodyBudget(limits.bodiesBytes, bodyLimit);
  // `preParsing` runs after each `onRequest` hook, which checks keys, and before the body is read.
  server.addHook('preParsing', async (request, reply) => {
    // The body of an unknown route is not read.
    if (request.is404) await refuse(reply, 404);
    else if (!reserveBody(request, reply)) await refuse(reply.header('retry-after', '1'), 429);
  });
  // Fastify refuses a content type that it cannot parse. A function may accept any text as a type.
  server.addHook('onRequest', (request, _reply, done) => {
    const type = request.raw.headers['content-type'];
    if (type !== undefined) {
      contentTypes.set(request.raw, type);
      request.raw.headers['content-type'] = 'application/octet-stream';
    }
    done();
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  server.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    // Closing the connection while the caller sends would reset it, and the caller would not see the response.
    reply.removeHeader('connection');
    void refuse(reply, error.statusCode ?? 500);
  });
  server.setNotFoundHandler((_request, reply) => {
    void refuse(reply, 404);
  });
  return server;
}

/** The content type as the caller sent it: the header of the request is replaced before Fastify reads it. */
export function readContentType(request: IncomingMessage): string {
  return contentTypes.get(request) ?? '';
}

function toStatus(code: string | undefined): number {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
}

const problemType = 'application/problem+json';

/** Reads and drops the rest of a body for `lingerMs`, and then closes the connection. */
function linger(request: IncomingMessage): void {
  if (request.complete) return;
  const { socket } = request;
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  for (const event of ['end', 'close']) request.once(event, () => clearTimeout(timer));
}

/** The codes of requests that are refused before a function runs. */
const codes: Record<number, string> = {
  404: 'route_not_found',
  413: 'body_too_large',
  500: 'internal',
  429: 'busy',
};

/** Answers with a problem (RFC 9457) that holds only the status and its code. */
function refuse(reply: FastifyReply, status: number): FastifyReply {
  return reply.code(status).type(problemType).send(problem(status));
}

function problem(status: number): string {
  const code = codes[status] ?? 'bad_request';
  return JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, code });
}
