import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { lockFolder } from '../common/folderLock.ts';
import { claimVersion } from '../common/folderVersion.ts';
import type { RunningEmulator } from '../common/childProcess.ts';
import { createVision } from './models/vision.ts';
import { startFace, type FaceOptions, type FaceReady } from './service.ts';
import { createTrainingTime, type TrainingTime } from './training/trainingTime.ts';
import { readDataKey } from './storage/vectorCipher.ts';

export type FaceProcessOptions = Pick<
  FaceOptions,
  'dataDir' | 'port' | 'tls' | 'urlMaps' | 'allowHosts' | 'attributesRetired' | 'log'
> & {
  /** Calls per second. `F0` is the free plan: 20 per minute, 30,000 per month, and its limits of persons. */
  quota: number | 'none' | 'F0';
  /** By default `none`. */
  trainingTime?: TrainingTime;
  /** A file with the endpoint and the key, which exists while the service is ready. */
  endpointsFile?: string;
};

/** Threads that run the models. */
const workers = 2;

/**
 * Starts the service with the models from npm packages. The process locks its data folder. The environment variable
 * `FACE_DATA_KEY` is the key of the stored vectors.
 * @throws Error for an option that is not valid, a locked folder, or an error of `startFace`
 */
export async function startFaceProcess(options: FaceProcessOptions): Promise<RunningEmulator<FaceReady>> {
  const { dataDir, endpointsFile } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const unlock = lockFolder(dataDir, 'Face service');
  try {
    claimVersion(dataDir, ['face.sqlite', 'key']);
    // A process that was killed leaves the file behind.
    removeEndpoints(endpointsFile);
    const emulator = await startWithModels(options);
    if (endpointsFile !== undefined) writeEndpoints(endpointsFile, emulator.ready);
    return {
      ready: emulator.ready,
      async close() {
        removeEndpoints(endpointsFile);
        await emulator.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function startWithModels({
  quota,
  trainingTime = 'none',
  ...others
}: FaceProcessOptions): Promise<RunningEmulator<FaceReady>> {
  const limits = parseQuota(quota);
  const training = createTrainingTime(trainingTime);
  const dataKey = readDataKey(process.env['FACE_DATA_KEY']);
  const vision = await createVision({ workers });
  try {
    const emulator = await startFace({ ...others, ...limits, vision, dataKey, trainingTime: training });
    return {
      ready: emulator.ready,
      async close() {
        await emulator.close();
        await vision.close();
      },
    };
  } catch (error) {
    await vision.close();
    throw error;
  }
}

/** Writes a file that only its owner may read, since it contains the key. */
function writeEndpoints(file: string, { endpoint, key, caFile }: FaceReady): void {
  const endpoints = { face: endpoint, faceKey: key, ...(caFile !== undefined && { caFile }) };
  writeFileSync(`${file}.new`, `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function removeEndpoints(file: string | undefined): void {
  if (file !== undefined) rmSync(file, { force: true });
}

/** @throws Error for a quota that is not valid */
function parseQuota(quota: FaceProcessOptions['quota']): Pick<FaceOptions, 'quota' | 'plan'> {
  if (quota === 'none') return { quota };
  if (quota === 'F0') return { quota: { calls: 20, perSeconds: 60, callsPerMonth: 30_000 }, plan: 'F0' };
  if (!(quota > 0 && Number.isFinite(quota))) {
    throw new Error(`the quota is calls a second, "F0" or "none", not ${String(quota)}`);
  }
  // 0.2 calls per second, for example, are one call per 5 seconds.
  return {
    quota: Number.isInteger(quota) ? { calls: quota, perSeconds: 1 } : { calls: 1, perSeconds: 1 / quota },
  };
}
