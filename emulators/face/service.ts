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
  /** The duration of a training of this number of faces, in milliseconds. By default an instant. */
  trainingTime?: (faces: number) => number;
  /** The plan whose limits of collections and persons hold. By default the paid plan, S0. */
  plan?: FacePlan;
  /** Serves HTTPS with a self-signed certificate, which the data folder keeps. */
  tls?: boolean;
  /** 32 bytes, the key that encrypts the stored vectors. */
  dataKey?: Uint8Array | undefined;
  /** Answers the attributes that Azure has retired, as estimates. */
  attributesRetired?: boolean;
  urlMaps?: readonly UrlMap[];
  /** Host names of calls that are accepted besides those of this machine. */
  allowHosts?: readonly string[];
  /** Limit of the download of an image. */
  urlTimeoutMs?: number;
  arrival?: ArrivalLimits;
  /** Takes a line per call. Internal errors are written to standard error. */
  log?: Log;
};

export type FaceReady = {
  endpoint: string;
  key: string;
  port: number;
  /** The certificate to trust, if the service serves HTTPS. */
  caFile?: string;
};

const purgeEveryMs = 60_000;
const closeTimeoutMs = 5_000;

/**
 * Starts the Face service: Azure's REST API for detection, recognition and collections of persons and faces, with the
 * given models and a database on disk.
 * @throws Error when the port is in use, the data is of another version, or the data key does not match
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

/** Waits until running calls are answered, up to the timeout. */
async function closeServer(server: FastifyInstance): Promise<void> {
  const late = setTimeout(() => server.server.closeAllConnections(), closeTimeoutMs);
  try {
    await server.close();
  } finally {
    clearTimeout(late);
  }
}
