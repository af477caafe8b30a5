import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { portInUse, type RunningPart } from '../part.ts';
import { createAnalysis } from './analysis.ts';
import { collectionOperations } from './collections.ts';
import { detect } from './detect.ts';
import { findSimilar } from './findSimilar.ts';
import { createGallery } from './gallery/gallery.ts';
import { group } from './grouping.ts';
import { identify } from './identify.ts';
import { readOrMakeKey } from './key.ts';
import { kinds } from './kinds.ts';
import { createFaceMetrics } from './metrics.ts';
import type { FaceContext, Operation } from './operations.ts';
import { persistedFaceOperations } from './persistedFaces.ts';
import { personOperations } from './persons.ts';
import { createLimiter, type FacePlan, type FaceQuota } from './quota.ts';
import { carryOut, createAdmission, createFaceServer } from './server.ts';
import { openFaceStore } from './store.ts';
import { createTrainings } from './training.ts';
import { trainingTimeOf } from './trainingTime.ts';
import { trainingOperations } from './trainingOperations.ts';
import { createTurns } from './turns.ts';
import { verify } from './verify.ts';
import type { Vision } from './vision.ts';

export type FaceOptions = {
  dataDir: string;
  /** 0: any free port. */
  port: number;
  quota: FaceQuota;
  /** Not closed by the service. */
  vision: Vision;
  now?: () => number;
  /** How long the training of so many faces takes, in milliseconds. */
  trainingTime?: (faces: number) => number;
  /** Whose limits of collections and persons hold; the paid plan's where not given. */
  plan?: FacePlan;
  /** How long the download of a picture may take. */
  urlTimeoutMs?: number;
};

export type FaceReady = { endpoint: string; key: string; port: number };

const ofEachKind = [
  collectionOperations,
  personOperations,
  persistedFaceOperations,
  trainingOperations,
] as const;

const operations: Operation[] = [
  ...[detect, identify, findSimilar, group, verify],
  ...kinds.flatMap((kind) => ofEachKind.flatMap((operationsOf) => operationsOf(kind))),
];
const versions = ['v1.0', 'v1.2'];
const purgeEveryMs = 60_000;
const closingAtMostMs = 5_000;

/**
 * The Face service: the REST contract of Azure's Face for detection, recognition and collections of persons, over the
 * models that it is given, kept on disk.
 * @throws Error when the port is in use, or the data is another version's
 */
export async function startFace(options: FaceOptions): Promise<RunningPart<FaceReady>> {
  const { dataDir, vision, now = Date.now, trainingTime = trainingTimeOf('none') } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const key = readOrMakeKey(join(dataDir, 'key'));
  const store = openFaceStore(join(dataDir, 'face.sqlite'));
  const gallery = createGallery(store, vision);
  const trainings = createTrainings({ store, gallery, trainingTime, now });
  const server = createFaceServer();
  addRoutes(server, createAdmission(key, createLimiter(options.quota, store, now)), {
    store,
    gallery,
    trainings,
    now,
    analyze: createAnalysis(vision),
    confidence: (a, b) => vision.confidence(a, b),
    inTurn: createTurns(),
    plan: options.plan ?? 'S0',
    urlTimeoutMs: options.urlTimeoutMs ?? 10_000,
  });
  store.dropExpiredDetections(now());
  const purge = setInterval(() => store.dropExpiredDetections(now()), purgeEveryMs);
  const close = async (): Promise<void> => {
    clearInterval(purge);
    trainings.stop();
    await closeServer(server);
    await gallery.close();
    store.close();
  };
  try {
    await server.listen({ host: '127.0.0.1', port: options.port });
  } catch (error) {
    await close();
    throw portInUse(error, options.port);
  }
  const { port } = server.server.address() as AddressInfo;
  return { ready: { endpoint: `http://127.0.0.1:${port}`, key, port }, close };
}

function addRoutes(
  server: FastifyInstance,
  admit: ReturnType<typeof createAdmission>,
  context: FaceContext,
): void {
  const metrics = createFaceMetrics();
  for (const version of versions) {
    for (const operation of operations) {
      server.route({
        method: operation.method,
        url: `/face/${version}${operation.path}`,
        onRequest: admit,
        onResponse: async (_request, reply) => metrics.count(operation.name, reply.statusCode),
        handler: (request, reply) => carryOut(operation, context, request, reply),
      });
    }
  }
  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
  server.get('/health', async () => ({ status: 'ok' }));
}

/** Calls under way are answered first, unless that takes too long. */
async function closeServer(server: FastifyInstance): Promise<void> {
  const late = setTimeout(() => server.server.closeAllConnections(), closingAtMostMs);
  try {
    await server.close();
  } finally {
    clearTimeout(late);
  }
}
