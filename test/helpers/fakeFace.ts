import sharp from 'sharp';
import { createTrainingTime, type TrainingTime } from '../../emulators/face/training/trainingTime.ts';
import type { FaceQuota } from '../../emulators/face/scheduling/quota.ts';
import { createFakeVision, picture } from '../parts/face/fakeVision.ts';
import { startTestFace } from '../parts/face/harness.ts';

/*
 * The Face service over HTTP with fake models, for where many pictures are counted and not looked at: it finds at once
 * who is on a picture, since the picture says so.
 */

/** A picture of 1,000 × 500 pixels of one colour, which Face gets as it is, whatever stands behind it. */
const canvas = await sharp({ create: { width: 1_000, height: 500, channels: 3, background: 'grey' } })
  .png()
  .toBuffer();

/** A picture of these people, as the fake models see it. */
export function fakePicture(...who: string[]): Buffer {
  return Buffer.concat([canvas, picture(...who)]);
}

export async function startFakeFace({
  quota = 'none',
  trainingTime = 'none',
}: { quota?: FaceQuota; trainingTime?: TrainingTime } = {}) {
  const vision = createFakeVision();
  const { analyze } = vision;
  vision.analyze = (image, wanted) => analyze.call(vision, image.subarray(canvas.length), wanted);
  return startTestFace({ vision, quota, trainingTime: createTrainingTime(trainingTime) });
}
