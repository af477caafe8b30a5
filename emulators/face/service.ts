import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { readOrMakeKey } from '../common/keyFile.ts';
import { refuseStrangers } from '../common/strangers.ts';
import { portInUse, type RunningEmulator } from '../common/childProcess.ts';
import { createAnalysis } from './scheduling/analysis.ts';
import { readOrMakeCertificate } from './http/certificate.ts';
import { createGallery } from './gallery/gallery.ts';
import type { Log } from './http/log.ts';
import { createFaceMetrics } from './http/metrics.ts';
import type { FaceContext } from './operations/operation.ts';
import { createTimeSlices } from './scheduling/timeSlices.ts';
import { createLimiter, type FacePlan, type FaceQuota } from './scheduling/quota.ts';
import { addRoutes } from './http/routes.ts';
import { createAdmission, createFaceServer, type ArrivalLimits } from './http/server.ts';
import { openFaceStore } from './storage/store.ts';
import { Trainings } from './training/training.ts';
import { createTrainingTime } from './training/trainingTime.ts';
import { createKeyedOrder } from './scheduling/keyedOrder.ts';
import type { UrlMap } from './operations/urlMap.ts';
import type { Vision } from './contract/vision.ts';

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
  /** Whether to serve HTTPS, with a certificate of the data folder's own. */
  tls?: boolean;
  /** 32 bytes; vectors are encrypted with them on the disk. */
  dataKey?: Uint8Array | undefined;
  /** Whether the attributes that Azure has retired are answered, as estimates. */
  attributesRetired?: boolean;
  urlMaps?: readonly UrlMap[];
  /** Names by which the service may be called, besides those of this machine. */
  allowHosts?: readonly string[];
  /** How long the download of a picture may take. */
  urlTimeoutMs?: number;
  /** How long calls may take to arrive. */
  arrival?: ArrivalLimits;
  /** Gets a line for each call. What fails on our side is written to standard error. */
  log?: Log;
};

export type FaceReady = {
  endpoint: string;
  key: string;
  port: number;
  /** The certificate to trust, where the service has one. */
  caFile?: string;
};

const purgeEveryMs = 60_000;
const closingAtMostMs = 5_000;

/**
 * The Face service: the REST contract of Azure's Face for detection, recognition and collections of persons and faces,
 * over the models that it is given, kept on disk.
 * @throws Error when the port is in use, the data is another version's, or the data key is not theirs
 */
export async function startFace(options: FaceOptions): Promise<RunningEmulator<FaceReady>> {
  const { dataDir, vision, now = Date.now, trainingTime = createTrainingTime('none') } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const key = readOrMakeKey(join(dataDir, 'key'), () => randomBytes(16).toString('hex'));
  const certificate = options.tls === true ? await readOrMakeCertificate(dataDir) : undefined;
  const store = openFaceStore(join(dataDir, 'face.sqlite'), options.dataKey);
  const gallery = createGallery(store, vision);
  const trainings = new Trainings({ store, gallery, trainingTime, now });
  const { analyze, countRunning } = createAnalysis(vision);
  const metrics = createFaceMetrics(countRunning);
  const server = createFaceServer(certificate, options.arrival);
  const context = {
    store,
    gallery,
    trainings,
    now,
    analyze,
    confidence: vision.confidence.bind(vision),
    runInOrder: createKeyedOrder(),
    startTimeSlices: createTimeSlices(),
    plan: options.plan ?? 'S0',
    attributesRetired: options.attributesRetired ?? false,
    urlMaps: options.urlMaps ?? [],
    urlTimeoutMs: options.urlTimeoutMs ?? 10_000,
  } satisfies FaceContext;
  const admit = createAdmission(key, createLimiter(options.quota, store, now));
  addRoutes(server, { admit, context, metrics, log: options.log ?? (() => undefined) });
  refuseStrangers(server.server, { allowHosts: options.allowHosts ?? [] });
  const purge = (): void => {
    store.dropExpiredDetections(now());
  };
  purge();
  const purging = setInterval(purge, purgeEveryMs);
  const close = async (): Promise<void> => {
    clearInterval(purging);
    trainings.stop();
    await closeServer(server);
    await gallery.close();
    metrics.close();
    store.close();
  };
  try {
    await server.listen({ host: '127.0.0.1', port: options.port });
  } catch (error) {
    await close();
    throw portInUse(error, options.port);
  }
  const { port } = server.server.address() as AddressInfo;
  const scheme = certificate === undefined ? 'http' : 'https';
  const ready = { endpoint: `${scheme}://127.0.0.1:${port}`, key, port };
  return {
    ready: certificate === undefined ? ready : { ...ready, caFile: certificate.caFile },
    close,
  };
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
