import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { noSchemas } from '../../common/noSchemas.ts';
import { FaceFault, faults } from '../faults.ts';
import { textOf } from './json.ts';
import { isKey } from './key.ts';
import { traceOf } from './log.ts';
import type { FaceContext, Operation } from '../operations/operations.ts';
import type { Limiter } from '../scheduling/quota.ts';
import { mediaTypeOf } from './requests.ts';

/** How long a call may take to arrive, in milliseconds; a little later its connection is closed. */
export type ArrivalLimits = {
  headersMs: number;
  /** From its first byte to its last. */
  callMs: number;
  checkedEveryMs: number;
};

const usualLimits: ArrivalLimits = { headersMs: 15_000, callMs: 60_000, checkedEveryMs: 5_000 };
const connectionsAtMost = 1_000;
/** Enough for a thousand face IDs, or for the longest user data with every character escaped. */
const largestJsonBytes = 256 * 1024;
const json = 'application/json; charset=utf-8';

export type Tls = { key: string; cert: string };

/** An HTTP server that takes any body as bytes and answers errors in the envelope of the Face API. */
export function createFaceServer(
  tls?: Tls,
  { headersMs, callMs, checkedEveryMs } = usualLimits,
): FastifyInstance {
  const limits = { headersTimeout: headersMs, connectionsCheckingInterval: checkedEveryMs };
  const server = fastify({
    ...(tls === undefined ? { http: limits } : { https: { ...limits, ...tls } }),
    bodyLimit: largestJsonBytes,
    requestTimeout: callMs,
    forceCloseConnections: 'idle',
    // Who is still connected when the service stops gets an answer like any other.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    schemaController: noSchemas,
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, maxParamLength: 256 },
    frameworkErrors: (_error, _request, reply) => {
      fail(reply, faults.routeNotFound());
    },
    clientErrorHandler: (error, socket) => failRaw(socket, faultOfClient(error.code)),
  }) as FastifyInstance;
  server.server.maxConnections = connectionsAtMost;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  server.setNotFoundHandler((_request, reply) => fail(reply, faults.routeNotFound()));
  server.setErrorHandler((error: unknown, request, reply) => fail(reply, faultOf(error, request)));
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

/** @throws FaceFault for a call that is not let in */
export type Admit = (request: FastifyRequest, reply: FastifyReply) => void;

/** The key first, then the quota: a call without a key counts for nothing. Bodies are read after both. */
export function createAdmission(key: string, limit: Limiter): Admit {
  return (request, reply) => {
    if (!isKey(request.headers['ocp-apim-subscription-key'], key)) throw faults.accessDenied();
    const refusal = limit();
    if (refusal !== undefined) throw refusal;
    reply.header('csp-billing-usage', 'CognitiveServices.Face.Transaction=1');
  };
}

export async function carryOut(
  operation: Operation,
  context: FaceContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const answer = await operation.handle(context, request, reply);
  if (answer === undefined) return reply.header('content-length', '0').send();
  return reply.type(json).send(textOf(answer));
}

function faultOf(error: unknown, request: FastifyRequest): FaceFault {
  if (error instanceof FaceFault) return error;
  const { statusCode = 500 } = error as { statusCode?: number };
  if (statusCode === 413 && mediaTypeOf(request) === 'application/octet-stream') return faults.tooBig();
  if (statusCode < 500) return faults.body();
  process.stderr.write(`an operation of the Face service failed: ${traceOf(error)}\n`);
  return faults.internal();
}

function fail(reply: FastifyReply, fault: FaceFault): FastifyReply {
  const { status, code, retryAfterSeconds } = fault;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  return reply.code(status).header('x-ms-error-code', code).type(json).send(envelopeOf(fault));
}

function envelopeOf({ code, message }: FaceFault): string {
  return JSON.stringify({ error: { code, message } });
}

/** What is no HTTP request, or takes too long to become one. */
function faultOfClient(code: string | undefined): FaceFault {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return faults.timeOut();
  return code === 'HPE_HEADER_OVERFLOW' ? faults.headers() : faults.body();
}

function failRaw(socket: Socket, fault: FaceFault): void {
  if (!socket.writable) return void socket.destroy();
  const body = envelopeOf(fault);
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
