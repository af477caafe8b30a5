import { join } from 'node:path';
import { Piscina } from 'piscina';
import { ImageRefused, type Vision, type Wanted } from '../contract/vision.ts';
import { computeConfidence } from './confidence.ts';
import type { WorkerAnswer, WorkerTask } from './worker.ts';

/** Images that may wait for a worker. The pool refuses further images, so that memory stays bounded. */
const maxQueued = 64;

/**
 * Runs the models from npm packages on up to `workers` threads. Resolves when the first thread has loaded the models;
 * the other threads start on demand, and stay. A process may call this function only once: onnxruntime-node fails when
 * threads start after others have ended.
 */
export async function createVision({ workers }: { workers: number }): Promise<Vision> {
  const pool = new Piscina<WorkerTask, WorkerAnswer>({
    filename: join(import.meta.dirname, 'worker.ts'),
    name: 'analyze',
    minThreads: 1,
    maxThreads: workers,
    idleTimeout: Infinity,
    maxQueue: maxQueued,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const wanted: Wanted = {
    detectionModel: 'detection_03',
    landmarks: false,
    attributes: [],
  };
  // Bytes that are no image are refused as soon as the models are loaded.
  await pool.run({ image: new Uint8Array(0), wanted });
  return {
    async analyze(image, asked) {
      const answer = await pool.run({ image, wanted: asked });
      if ('analyzed' in answer) return answer.analyzed;
      throw new ImageRefused(answer.refused, answer.detail);
    },
    confidence: computeConfidence,
    close: () => pool.destroy(),
  };
}
