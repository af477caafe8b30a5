import { RollcallError } from '../errors/errors.ts';
import { largestImageBytes } from '../config/resources.ts';
import type { DetectForEnrollment } from '../enrollment/detectFace.ts';
import type { Place } from '../images/imagePath.ts';
import type { DeadLetters } from '../messages/deadLetters.ts';
import type { WorkQueues } from '../messages/workQueues.ts';
import type { Groups } from '../records/groups.ts';
import {
  contentOf,
  detected,
  identified,
  partLookedAt,
  recognized,
  type ImageRecord,
} from '../records/image.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { Log } from '../telemetry/log.ts';
import { recordFailure } from './failurePolicy.ts';

export type ProcessImageOptions = {
  imageRecords: ImageRecords;
  workQueues: WorkQueues;
  deadLetters: DeadLetters;
  detect: DetectForEnrollment;
  /** Identifies the faces of an uploaded probe and records the result. */
  identify: (probe: ImageRecord, bytes: Uint8Array) => Promise<void>;
  groups: Groups;
  log: Log;
  now: () => number;
};

/** The bytes of the blob; undefined when the version no longer exists, which is taken care of. */
export type ReadBytes = () => Promise<Uint8Array | 'archived' | undefined>;

/**
 * Processes a received image: detects the face to enroll, or identifies the faces of a probe, and records the outcome
 * or the failure. Resolves with the record afterwards; undefined when there is nothing to go on with.
 */
export async function processImage(
  options: ProcessImageOptions,
  place: Place,
  image: ImageRecord,
  read: ReadBytes,
): Promise<ImageRecord | undefined> {
  let seen = image;
  try {
    if (place.kind === 'bad') throw new RollcallError('bad_path', place.detail);
    if (place.kind === 'identify' && (await options.groups.get(place.group)) === undefined)
      throw new RollcallError('group_not_found');
    if (image.bytes > largestImageBytes)
      throw new RollcallError('image_too_large', 'The file is over 64 MB.');
    const bytes = await read();
    if (bytes === undefined) return undefined;
    if (bytes === 'archived') throw new RollcallError('image_archived');
    seen = { ...image, content: contentOf(bytes) };
    return await (place.kind === 'identify' ? identify : detect)(options, place, seen, bytes);
  } catch (error) {
    return recover(options, place, seen, error);
  }
}

async function identify(
  { imageRecords, now, ...options }: ProcessImageOptions,
  { ref }: Place,
  seen: ImageRecord,
  bytes: Uint8Array,
): Promise<ImageRecord | undefined> {
  await options.identify(seen, bytes);
  return imageRecords.change(ref, (image) => image && identified(image, seen, now()));
}

/** Detects the face to enroll, unless a face of equal bytes stands in Face or is on its way. */
async function detect(
  { imageRecords, now, ...options }: ProcessImageOptions,
  { ref }: Place,
  seen: ImageRecord,
  bytes: Uint8Array,
): Promise<ImageRecord | undefined> {
  const { content = '', persisted, intents } = seen;
  if (persisted?.content === content || intents.some((intent) => intent.content === content)) {
    const known = await imageRecords.change(ref, (image) => image && recognized(image, seen, content, now()));
    if (known?.state !== 'received') return known;
  }
  const face = await options.detect(seen, bytes, async (parts) => {
    await imageRecords.change(ref, (image) => image && partLookedAt(image, seen, parts));
  });
  return imageRecords.change(ref, (image) => image && detected(image, seen, face, now()));
}

async function recover(
  options: ProcessImageOptions,
  { ref }: Place,
  seen: ImageRecord,
  error: unknown,
): Promise<ImageRecord | undefined> {
  const { action, image } = await recordFailure(options, ref, seen, error);
  if (action.kind === 'defer' || action.kind === 'retry') {
    await options.workQueues.enqueueImage(ref, action.afterMs);
    return undefined;
  }
  // The image stays received when the policy or the group that rejects the image has changed since the image was read:
  // the image has to be processed again.
  if (image?.state === 'received' && image.etag === seen.etag) await options.workQueues.enqueueImage(ref);
  return image;
}
