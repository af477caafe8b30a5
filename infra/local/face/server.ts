import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { FaceFault, faults } from './faults.ts';
import { isKey } from './key.ts';
import type { FaceContext, Operation } from './operations.ts';
import { largestBytes } from './pictures.ts';
import type { Limiter } from './quota.ts';

const requestTimeoutMs = 60_000;
const connectionsAtMost = 1_000;
const json = 'application/json; charset=utf-8';

/** An HTTP server that takes any body as bytes and answers errors in the envelope of the Face API. */
export function createFaceServer(): FastifyInstance {
  const server = fastify({
    // A little more than a picture may have: the contract has its own error for one that is too big.
    bodyLimit: largestBytes + 1_024,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, maxParamLength: 256 },
  });
  server.server.maxConnections = connectionsAtMost;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  server.setNotFoundHandler((_request, reply) => fail(reply, faults.routeNotFound()));
  server.setErrorHandler((error: unknown, _request, reply) => fail(reply, faultOf(error)));
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

/** The key first, then the quota: a call without a key counts for nothing. Bodies are read after both. */
export function createAdmission(key: string, limit: Limiter) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
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
  return reply.type(json).send(JSON.stringify(answer));
}

function faultOf(error: unknown): FaceFault {
  if (error instanceof FaceFault) return error;
  const { statusCode = 500, name = 'Error' } = error as { statusCode?: number; name?: string };
  if (statusCode === 413) return faults.tooBig();
  if (statusCode < 500) return faults.body();
  process.stderr.write(`an operation of the Face service failed: ${name}\n`);
  return new FaceFault(500, 'InternalServerError', 'Internal server error.');
}

function fail(reply: FastifyReply, { status, code, message, retryAfterSeconds }: FaceFault): FastifyReply {
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  return reply
    .code(status)
    .header('x-ms-error-code', code)
    .type(json)
    .send(JSON.stringify({ error: { code, message } }));
}
