import type { ImageRecords } from '../../records/imageRecords.ts';
import type { ImageRecord } from '../../records/image.ts';
import { record } from '../../telemetry/metrics.ts';

/** Wraps the image records so that each change of state is counted and the time to enroll or identify is recorded. */
export function observeImages(imageRecords: ImageRecords, now: () => number): ImageRecords {
  const update: ImageRecords['update'] = async (ref, transition) => {
    const updated = await imageRecords.update(ref, transition);
    const { before, after } = updated;
    if (after !== undefined && hasMoved(before, after)) count(after, now());
    return updated;
  };
  return {
    ...imageRecords,
    update,
    change: async (ref, transition) => (await update(ref, transition)).after,
  };
}

function hasMoved(before: ImageRecord | undefined, after: ImageRecord): boolean {
  return before?.state !== after.state || before.receivedAt !== after.receivedAt;
}

function count(image: ImageRecord, now: number): void {
  const container = { 'rollcall.container': image.image.slice(0, image.image.indexOf('/')) };
  const { state, reason } = image;
  record('rollcall.images', 1, {
    ...container,
    'rollcall.state': state,
    ...(reason !== undefined && { 'rollcall.reason': reason }),
  });
  if (state === 'enrolled' || state === 'identified') {
    record('rollcall.image.latency', Math.max(0, now - image.receivedAt) / 1_000, container);
  }
}
