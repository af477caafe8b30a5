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
  /** Calls a second; `F0` is the free plan: 20 a minute, 30,000 a month, and its limits of persons. */
  quota: number | 'none' | 'F0';
  /** Default: none. */
  trainingTime?: TrainingTime;
  /** Says where the service is and what its key is, while it is ready. */
  endpointsFile?: string;
};

/** Worker threads that look at pictures. */
const workers = 2;

/**
 * The service with the models that ship inside npm packages, as a process runs it, one at a time on a folder. The key
 * to the vectors on the disk comes from the environment: `FACE_DATA_KEY`.
 * @throws Error that says what was expected
 */
export async function startFaceProcess(options: FaceProcessOptions): Promise<RunningEmulator<FaceReady>> {
  const { dataDir, endpointsFile } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const unlock = lockFolder(dataDir, 'Face service');
  try {
    claimVersion(dataDir, ['face.sqlite', 'key']);
    // One that was killed has left it.
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
  const limits = limitsOf(quota);
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

/** Readable by its owner only: it holds the key. */
function writeEndpoints(file: string, { endpoint, key, caFile }: FaceReady): void {
  const endpoints = { face: endpoint, faceKey: key, ...(caFile === undefined ? {} : { caFile }) };
  writeFileSync(`${file}.new`, `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function removeEndpoints(file: string | undefined): void {
  if (file !== undefined) rmSync(file, { force: true });
}

/** @throws Error for a quota that is none */
function limitsOf(quota: FaceProcessOptions['quota']): Pick<FaceOptions, 'quota' | 'plan'> {
  if (quota === 'none') return { quota };
  if (quota === 'F0') return { quota: { calls: 20, perSeconds: 60, callsPerMonth: 30_000 }, plan: 'F0' };
  if (!(quota > 0 && Number.isFinite(quota))) {
    throw new Error(`the quota is calls a second, "F0" or "none", not ${String(quota)}`);
  }
  // A share of a call a second is a call in more seconds.
  return {
    quota: Number.isInteger(quota) ? { calls: quota, perSeconds: 1 } : { calls: 1, perSeconds: 1 / quota },
  };
}
