import type { RunningPart } from '../part.ts';
import { createVision } from './models/vision.ts';
import { startFace, type FaceOptions, type FaceReady } from './service.ts';
import { trainingTimeOf, type TrainingTime } from './trainingTime.ts';
import { readDataKey } from './vectorCipher.ts';

export type FaceProcessOptions = Pick<
  FaceOptions,
  'dataDir' | 'port' | 'tls' | 'urlMaps' | 'attributesRetired' | 'log'
> & {
  /** Calls a second; `F0` is the free plan: 20 a minute, 30,000 a month, and its limits of persons. */
  quota: number | 'none' | 'F0';
  trainingTime: TrainingTime;
};

/** Worker threads that look at pictures. */
const workers = 2;

/**
 * The service with the models that ship inside npm packages, as a process runs it. The key to the vectors on the disk
 * comes from the environment: `FACE_DATA_KEY`.
 * @throws Error that says what was expected
 */
export async function startFaceProcess(options: FaceProcessOptions): Promise<RunningPart<FaceReady>> {
  const { quota, trainingTime, ...others } = options;
  const limits = limitsOf(quota);
  const dataKey = readDataKey(process.env['FACE_DATA_KEY']);
  const vision = await createVision({ workers });
  try {
    const part = await startFace({
      ...others,
      ...limits,
      vision,
      dataKey,
      trainingTime: trainingTimeOf(trainingTime),
    });
    return {
      ...part,
      async close() {
        await part.close();
        await vision.close();
      },
    };
  } catch (error) {
    await vision.close();
    throw error;
  }
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
