import { faults } from '../faults.ts';
import { ImageRefused, type ImageFault, type Vision } from '../vision.ts';

export type Analyze = Vision['analyze'];

/** Pictures under way in the models; the next one is told to come again, so that memory stays bounded. */
const atOnce = 64;

const refusals: Record<ImageFault, () => Error> = {
  not_decodable: faults.decoding,
  too_small: faults.tooSmall,
  too_big: faults.tooBig,
};

/**
 * The queue in front of the models. `analyze` throws a FaceFault for a picture that the models refuse, or when too
 * many are under way.
 */
export function createAnalysis(vision: Vision): { analyze: Analyze; underWay: () => number } {
  let underWay = 0;
  return {
    underWay: () => underWay,
    async analyze(bytes, wanted) {
      if (underWay >= atOnce) throw faults.busy();
      underWay += 1;
      try {
        return await vision.analyze(bytes, wanted);
      } catch (error) {
        throw error instanceof ImageRefused ? refusals[error.fault]() : error;
      } finally {
        underWay -= 1;
      }
    },
  };
}
