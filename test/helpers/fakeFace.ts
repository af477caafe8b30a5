import { trainingTimeOf, type TrainingTime } from '../../infra/local/face/training/trainingTime.ts';
import type { FaceQuota } from '../../infra/local/face/scheduling/quota.ts';
import { createFakeVision, picture } from '../parts/face/fakeVision.ts';
import { startTestFace } from '../parts/face/harness.ts';

/*
 * The Face service over HTTP with fake models, for where many pictures are counted and not looked at: it finds at once
 * who is on a picture, since the picture says so.
 */

const headerBytes = 54;

/** A BMP of 1,000 × 500 pixels by its header, which is all that the pipeline reads of one that Face can take. */
export function fakePicture(...who: string[]): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.write('BM');
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(1_000, 18);
  header.writeInt32LE(500, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  return Buffer.concat([header, picture(...who)]);
}

export async function startFakeFace({
  quota = 'none',
  trainingTime = 'none',
}: { quota?: FaceQuota; trainingTime?: TrainingTime } = {}) {
  const vision = createFakeVision();
  const { analyze } = vision;
  vision.analyze = (image, wanted) => analyze.call(vision, image.subarray(headerBytes), wanted);
  return startTestFace({ vision, quota, trainingTime: trainingTimeOf(trainingTime) });
}
