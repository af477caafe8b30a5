import { runPart } from '../part.ts';
import { createVision } from './models/vision.ts';
import { startFace, type FaceOptions } from './service.ts';
import { trainingTimeOf, type TrainingTime } from './trainingTime.ts';

export type FacePartOptions = {
  dataDir: string;
  port: number;
  /** Calls a second; `F0` is the free plan: 20 a minute, 30,000 a month, and its limits of persons. */
  quota: number | 'none' | 'F0';
  trainingTime: TrainingTime;
};

/** @throws Error for a quota that is none */
function limitsOf(quota: FacePartOptions['quota']): Pick<FaceOptions, 'quota' | 'plan'> {
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

await runPart(async ({ dataDir, port, quota, trainingTime }: FacePartOptions) => {
  const limits = limitsOf(quota);
  const vision = await createVision({ workers: 2 });
  try {
    const part = await startFace({
      dataDir,
      port,
      vision,
      trainingTime: trainingTimeOf(trainingTime),
      ...limits,
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
});
