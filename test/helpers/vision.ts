import { createVision } from '../../emulators/face/models/vision.ts';
import type { Vision } from '../../emulators/face/contract/vision.ts';

let made: Promise<Vision> | undefined;

/**
 * The real models, loaded once for all test files that run in this process. They end with it: onnxruntime-node does not
 * bear threads that start after others have ended.
 */
export function realVision(): Promise<Vision> {
  made ??= createVision({ workers: 1 });
  return made;
}
