import { createDetect } from '../enrollment/detectFace.ts';
import { createCluster } from '../identification/cluster.ts';
import { createFindSimilar } from '../identification/findSimilar.ts';
import { createIdentify, type IdentificationOptions } from '../identification/identify.ts';
import { createReadResults } from '../identification/readResults.ts';
import { createSearchBudget } from '../identification/searchBudget.ts';
import { createVerify } from '../identification/verify.ts';
import type { Priority } from '../quota/rateLimiter.ts';
import type { FaceByPriority } from './face.ts';
import { observeIdentify } from './observers/observeIdentify.ts';
import type { Context, Stores } from './stores.ts';

export type Identification = ReturnType<typeof createIdentification>;

/** What is asked of Face about an image. It changes nothing in Face, and needs the stores alone. */
export function createIdentification({ settings, now }: Context, stores: Stores, face: FaceByPriority) {
  const { faceIds, imageRecords, results, trainings } = stores;
  const detect = {
    interactive: createDetect({ face: face.interactive, faceIds, settings, now }),
    background: createDetect({ face: face.background, faceIds, settings, now }),
  };
  const searchBudget = createSearchBudget(settings.FACE_QUOTA, now);
  const atPriority = (priority: Priority): IdentificationOptions => ({
    detect: detect[priority],
    face: face[priority],
    imageStore: stores.imageStore,
    faceIds,
    untrainedFaces: stores.untrainedFaces,
    searchBudget,
    groups: stores.groups,
    imageRecords,
    results,
    training: trainings.get,
    now,
  });
  return {
    /** Detection for the pipeline. */
    detect: detect.background,
    /** Identifies an uploaded probe. */
    identifyUpload: observeIdentify(createIdentify(atPriority('background'))),
    identify: observeIdentify(createIdentify(atPriority('interactive'))),
    findSimilar: createFindSimilar(atPriority('interactive')),
    verify: createVerify(atPriority('interactive')),
    cluster: createCluster({ face: face.interactive, faceIds, imageRecords, results }),
    readResults: createReadResults({ results, imageRecords }),
  };
}
