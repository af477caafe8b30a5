import { join } from 'node:path';
import { Piscina } from 'piscina';
import { ImageRefused, type Vision, type Wanted } from '../contract/vision.ts';
import { confidenceOf } from './confidence.ts';
import type { WorkerAnswer, WorkerTask } from './worker.ts';

/** Pictures that may wait for a worker; more are refused, so that memory stays bounded. */
const waitingAtMost = 64;

/**
 * The models that ship inside npm packages, on up to so many worker threads. Resolves when the first has loaded them;
 * the others start when there is work for them, and stay. One a process: onnxruntime-node does not bear threads that
 * start after others have ended.
 */
export async function createVision({ workers }: { workers: number }): Promise<Vision> {
  const pool = new Piscina<WorkerTask, WorkerAnswer>({
    filename: join(import.meta.dirname, 'worker.ts'),
    name: 'analyze',
    minThreads: 1,
    maxThreads: workers,
    idleTimeout: Infinity,
    maxQueue: waitingAtMost,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const wanted: Wanted = {
    detectionModel: 'detection_03',
    landmarks: false,
    attributes: [],
  };
  // A picture that is none is refused as soon as the models are loaded.
  await pool.run({ image: new Uint8Array(0), wanted });
  return {
    async analyze(image, asked) {
      const answer = await pool.run({ image, wanted: asked });
      if ('analyzed' in answer) return answer.analyzed;
      throw new ImageRefused(answer.refused, answer.detail);
    },
    confidence: confidenceOf,
    close: () => pool.destroy(),
  };
}
