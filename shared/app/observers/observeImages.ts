import type { ImageRecords } from '../../records/imageRecords.ts';
import type { ImageRecord } from '../../records/image.ts';
import { record } from '../../telemetry/metrics.ts';

/** Wraps the image records so that each change of state is counted and the time to enroll or identify is recorded. */
export function observeImages(imageRecords: ImageRecords, now: () => number): ImageRecords {
  return {
    ...imageRecords,
    async change(ref, transition) {
      let before: ImageRecord | undefined;
      const after = await imageRecords.change(ref, (image) => {
        before = image;
        return transition(image);
      });
      if (after !== undefined && hasMoved(before, after)) count(after, now());
      return after;
    },
  };
}

function hasMoved(before: ImageRecord | undefined, after: ImageRecord): boolean {
  return before?.state !== after.state || before.receivedAt !== after.receivedAt;
}

function count(image: ImageRecord, now: number): void {
  const container = { 'rollcall.container': image.person === undefined ? 'identify' : 'enroll' };
  const { state, reason } = image;
  record('rollcall.pictures', 1, {
    ...container,
    'rollcall.state': state,
    ...(reason !== undefined && { 'rollcall.reason': reason }),
  });
  if (state === 'enrolled' || state === 'identified') {
    record('rollcall.freshness', Math.max(0, now - image.receivedAt) / 1_000, container);
  }
}
