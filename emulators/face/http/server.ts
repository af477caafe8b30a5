import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { noSchemas } from '../../common/noSchemas.ts';
import { FaceFault, faults } from '../contract/faults.ts';
import type { ApiVersion } from '../operations/call.ts';
import type { FaceContext, Operation } from '../operations/operation.ts';
import type { Limiter } from '../scheduling/quota.ts';
import { imageType, parseMediaType, toCall } from './toCall.ts';
import { toJson } from './json.ts';
import { isKey } from './key.ts';
import { toTrace } from './log.ts';

/** Limits of the arrival of a call. The connection of a call that exceeds them is closed a little later. */
export type ArrivalLimits = {
  headersMs: number;
  /** From the first byte of the call to its last. */
  callMs: number;
  checkedEveryMs: number;
};

const defaultLimits: ArrivalLimits = { headersMs: 15_000, callMs: 60_000, checkedEveryMs: 5_000 };
const maxConnections = 1_000;
/** Fits a thousand face IDs, and the longest user data with every character escaped. */
const largestJsonBytes = 256 * 1024;
const json = 'application/json; charset=utf-8';

export type Tls = { key: string; cert: string };

/** An HTTP server that takes bodies of any type as bytes and answers errors in the envelope of the Face API. */
export function createFaceServer(
  tls?: Tls,
  { headersMs, callMs, checkedEveryMs } = defaultLimits,
): FastifyInstance {
  const limits = { headersTimeout: headersMs, connectionsCheckingInterval: checkedEveryMs };
  const server = fastify({
    ...(tls === undefined ? { http: limits } : { https: { ...limits, ...tls } }),
    bodyLimit: largestJsonBytes,
    requestTimeout: callMs,
    forceCloseConnections: 'idle',
    // Clients that are still connected while the service stops get regular answers.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    schemaController: noSchemas,
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, maxParamLength: 256 },
    frameworkErrors: (_error, _request, reply) => {
      fail(reply, faults.routeNotFound());
    },
    clientErrorHandler: (error, socket) => failRaw(socket, toClientFault(error.code)),
  }) as FastifyInstance;
  server.server.maxConnections = maxConnections;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  server.setNotFoundHandler((_request, reply) => fail(reply, faults.routeNotFound()));
  server.setErrorHandler((error: unknown, request, reply) => fail(reply, toFault(error, request)));
  server.addHook('onSend', async (_request, reply) => {
    reply.headers({
      'apim-request-id': randomUUID(),
      'x-envoy-upstream-service-time': String(Math.round(reply.elapsedTime)),
      'x-ms-region': 'Local',
      'x-content-type-options': 'nosniff',
      'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
    });
  });
  return server;
}

/** @throws FaceFault for a call without the key or beyond the quota */
export type Admit = (request: FastifyRequest, reply: FastifyReply) => void;

/** Checks the key before the quota, so that a call without the key does not count. Bodies are read after both. */
export function createAdmission(key: string, limit: Limiter): Admit {
  return (request, reply) => {
    if (!isKey(request.headers['ocp-apim-subscription-key'], key)) throw faults.accessDenied();
    const refusal = limit();
    if (refusal !== undefined) throw refusal;
    reply.header('csp-billing-usage', 'CognitiveServices.Face.Transaction=1');
  };
}

export async function answer(
  operation: Operation,
  version: ApiVersion,
  context: FaceContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const result = await operation.handle(context, toCall(request, version));
  if (operation.statusSegment !== undefined) {
    const [path = ''] = request.url.split('?', 1);
    const statusPath = path.replace(/[^/]+\/?$/, operation.statusSegment);
    reply.code(202).header('operation-location', `${request.protocol}://${request.host}${statusPath}`);
    reply.header('access-control-expose-headers', 'Operation-Location');
  }
  if (result === undefined) return reply.header('content-length', '0').send();
  return reply.type(json).send(toJson(result));
}

function toFault(error: unknown, request: FastifyRequest): FaceFault {
  if (error instanceof FaceFault) return error;
  const { statusCode = 500 } = error as { statusCode?: number };
  if (statusCode === 413 && parseMediaType(request) === imageType) return faults.tooBig();
  if (statusCode < 500) return faults.body();
  process.stderr.write(`an operation of the Face service failed: ${toTrace(error)}\n`);
  return faults.internal();
}

function fail(reply: FastifyReply, fault: FaceFault): FastifyReply {
  const { status, code, retryAfterSeconds } = fault;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  return reply.code(status).header('x-ms-error-code', code).type(json).send(toEnvelope(fault));
}

function toEnvelope({ code, message }: FaceFault): string {
  return JSON.stringify({ error: { code, message } });
}

/** The fault of a connection whose bytes are no HTTP request, or arrive too slowly. */
function toClientFault(code: string | undefined): FaceFault {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return faults.timeOut();
  return code === 'HPE_HEADER_OVERFLOW' ? faults.headers() : faults.body();
}

function failRaw(socket: Socket, fault: FaceFault): void {
  if (!socket.writable) return void socket.destroy();
  const body = toEnvelope(fault);
  const head = [
    `HTTP/1.1 ${fault.status} ${fault.code}`,
    `content-type: ${json}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-ms-error-code: ${fault.code}`,
    `apim-request-id: ${randomUUID()}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
