import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { Counter, Registry } from 'prom-client';
import { portInUse, type RunningPart } from '../part.ts';
import { collectionOperations } from './collections.ts';
import { detect } from './detect.ts';
import { FaceFault, faults } from './faults.ts';
import { createGallery } from './gallery.ts';
import type { FaceContext, Operation } from './operations.ts';
import { largestBytes } from './pictures.ts';
import { createLimiter, type FaceQuota, type QuotaAnswer } from './quota.ts';
import { recognitionOperations } from './recognition.ts';
import { openFaceStore } from './store.ts';
import { createTrainings } from './training.ts';
import type { Vision } from './vision.ts';

export type FaceOptions = {
  dataDir: string;
  /** 0: any free port. */
  port: number;
  quota: FaceQuota;
  vision: Vision;
  now?: () => number;
  /** How long the training of so many faces takes, in milliseconds. */
  trainingTime?: (faces: number) => number;
};

export type FaceReady = { endpoint: string; key: string; port: number };

const operations: Operation[] = [detect, ...recognitionOperations, ...collectionOperations];
const versions = ['v1.0', 'v1.2'];
const purgeEveryMs = 60_000;

/**
 * The Face service: the REST contract of Azure's Face for detection, recognition and large person groups, over the
 * models that it is given, kept on disk.
 * @throws Error when the port is in use
 */
export async function startFace(options: FaceOptions): Promise<RunningPart<FaceReady>> {
  const { dataDir, vision, now = Date.now, trainingTime = (faces) => 100 + faces / 10 } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const key = readKey(join(dataDir, 'key'));
  const store = openFaceStore(join(dataDir, 'face.sqlite'));
  const gallery = createGallery(store, vision.confidence);
  const trainings = createTrainings({ store, gallery, trainingTime, now });
  const context: FaceContext = { store, gallery, trainings, vision, now, inTurn: createTurns() };
  const server = createServer();
  const metrics = new Registry();
  const requests = new Counter({
    name: 'face_requests_total',
    help: 'Calls to the Face service, by operation and answer',
    labelNames: ['operation', 'status'],
    registers: [metrics],
  });
  const limit = createLimiter(options.quota, store, now);
  for (const version of versions) {
    for (const operation of operations) {
      server.route({
        method: operation.method,
        url: `/face/${version}${operation.path}`,
        onRequest: async (request, reply) => admit(request, reply, key, limit),
        onResponse: async (_request, reply) =>
          requests.inc({ operation: operation.name, status: String(reply.statusCode) }),
        handler: (request, reply) => carryOut(operation, context, request, reply),
      });
    }
  }
  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.metrics()),
  );
  server.get('/health', async () => ({ status: 'ok' }));

  const purge = setInterval(() => store.dropExpiredDetections(now()), purgeEveryMs);
  try {
    await server.listen({ host: '127.0.0.1', port: options.port });
  } catch (error) {
    clearInterval(purge);
    store.close();
    throw portInUse(error, options.port);
  }
  const { port } = server.server.address() as AddressInfo;
  return {
    ready: { endpoint: `http://127.0.0.1:${port}`, key, port },
    async close() {
      clearInterval(purge);
      trainings.stop();
      await server.close();
      store.close();
    },
  };
}

function createServer(): FastifyInstance {
  const server = fastify({
    // One byte more than a picture may have, so that the contract's own error answers it.
    bodyLimit: largestBytes + 1_024,
    forceCloseConnections: true,
    routerOptions: { caseSensitive: false, maxParamLength: 256 },
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  server.setNotFoundHandler((_request, reply) => fail(reply, faults.routeNotFound()));
  server.setErrorHandler((error: unknown, _request, reply) => {
    if (error instanceof FaceFault) return fail(reply, error);
    const { statusCode = 500, name = 'Error' } = error as { statusCode?: number; name?: string };
    if (statusCode === 413) return fail(reply, faults.tooBig());
    if (statusCode < 500) return fail(reply, faults.body());
    process.stderr.write(`an operation failed: ${name}\n`);
    return fail(reply, new FaceFault(500, 'InternalServerError', 'Internal server error.'));
  });
  return server;
}

/** The key first, then the quota: a call without a key counts for nothing. */
async function admit(
  request: FastifyRequest,
  reply: FastifyReply,
  key: string,
  limit: () => QuotaAnswer | undefined,
): Promise<void> {
  reply.header('apim-request-id', randomUUID());
  reply.header('x-content-type-options', 'nosniff');
  const given = request.headers['ocp-apim-subscription-key'];
  if (typeof given !== 'string' || !same(given, key)) throw faults.accessDenied();
  const refused = limit();
  if (refused !== undefined) {
    reply.header('retry-after', String(refused.retryAfterSeconds));
    throw new FaceFault(refused.status, String(refused.status), refused.message);
  }
  reply.header('csp-billing-usage', 'CognitiveServices.Face.Transaction=1');
}

async function carryOut(
  operation: Operation,
  context: FaceContext,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const startedAt = performance.now();
  const answer = await operation.handle(context, request, reply);
  reply.header('x-envoy-upstream-service-time', String(Math.round(performance.now() - startedAt)));
  if (answer === undefined) return reply.header('content-length', '0').send();
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer));
}

function fail(reply: FastifyReply, { status, code, message }: FaceFault): FastifyReply {
  return reply
    .code(status)
    .header('x-ms-error-code', code)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ error: { code, message } }));
}

/** Work of one key runs one after another, that of different keys side by side. */
function createTurns(): FaceContext['inTurn'] {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const before = last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    last.set(key, settled);
    await settled;
    if (last.get(key) === settled) last.delete(key);
    return mine;
  };
}

function same(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function readKey(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8');
  const key = randomBytes(16).toString('hex');
  writeFileSync(file, key, { mode: 0o600 });
  return key;
}
