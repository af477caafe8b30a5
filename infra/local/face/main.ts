import { runPart } from '../part.ts';
import { createVision } from './models/vision.ts';
import type { FaceQuota } from './quota.ts';
import { startFace } from './service.ts';

export type FacePartOptions = {
  dataDir: string;
  port: number;
  /** Calls a second; `F0` is the free plan: 20 a minute, 30,000 a month. */
  quota: number | 'none' | 'F0';
};

function quotaOf(quota: FacePartOptions['quota']): FaceQuota {
  if (quota === 'none') return 'none';
  return quota === 'F0'
    ? { calls: 20, perSeconds: 60, callsPerMonth: 30_000 }
    : { calls: quota, perSeconds: 1 };
}

await runPart(async ({ dataDir, port, quota }: FacePartOptions) => {
  const vision = await createVision({ workers: 2 });
  const part = await startFace({ dataDir, port, quota: quotaOf(quota), vision });
  return {
    ...part,
    async close() {
      await part.close();
      await vision.close();
    },
  };
});
