import { faults } from '../contract/faults.ts';
import { ImageRefused, type ImageFault, type Vision } from '../contract/vision.ts';

export type Analyze = Vision['analyze'];

/** Images in the models or waiting for them. A call beyond this is refused, so that memory stays bounded. */
const maxRunning = 64;

const refusals: Record<ImageFault, () => Error> = {
  not_decodable: faults.decoding,
  too_small: faults.tooSmall,
  too_big: faults.tooBig,
};

/**
 * Limits the images in the models. `analyze` throws a FaceFault for an image that the models refuse, and beyond the
 * limit.
 */
export function createAnalysis(vision: Vision): { analyze: Analyze; countRunning: () => number } {
  let running = 0;
  return {
    countRunning: () => running,
    async analyze(bytes, wanted) {
      if (running >= maxRunning) throw faults.busy();
      running += 1;
      try {
        return await vision.analyze(bytes, wanted);
      } catch (error) {
        throw error instanceof ImageRefused ? refusals[error.fault]() : error;
      } finally {
        running -= 1;
      }
    },
  };
}
