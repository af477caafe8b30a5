import { ZodError } from 'zod';
import { isRejection, type FailureCode } from '../errors/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { DeadLetters } from '../messages/deadLetters.ts';
import { parseKey, type WorkQueues } from '../messages/workQueues.ts';
import { placeOf } from '../images/imagePath.ts';
import type { ImageRecords, Page } from '../records/imageRecords.ts';
import { lookedAtAgain, type ImageRecord, type ImageState } from '../records/image.ts';
import { queues } from '../config/resources.ts';

export type RedriveOptions = {
  imageRecords: ImageRecords;
  /** Pictures of all groups; a page may be short, or empty, and not be the last. */
  allImages: (query: {
    state: ImageState;
    top: number;
    after?: string | undefined;
  }) => Promise<Page<ImageRecord>>;
  workQueues: WorkQueues;
  deadLetters: DeadLetters;
  log: Log;
  now: () => number;
};

/** One call sends so many pictures round again; the caller asks once more while there are others. */
const imagesAtATime = 500;
/** Pages that one call reads at most, each of some hundred groups, and pictures, of which few may have the reason. */
const pagesAtMost = 1_000;
const lookedAtAtMost = 2_000;

/** `reason`: only what failed or was rejected for it. `after`: where an earlier call left off. */
export type RedriveQuery = { reason?: FailureCode | undefined; after?: string | undefined };

/** `more`: whether there may be others, from `next` on. */
export type Redriven = { redriven: number; more: boolean; next?: string };

/**
 * Retries what was given up, once its cause is gone: failed images start anew, dead-lettered messages are queued once
 * more. Of a reason for which pictures are rejected, these are looked at again, whether or not
 * anything has changed. Safe to call at any time; a death in the middle leaves the rest as it was.
 */
export function createRedrive({
  imageRecords,
  allImages,
  workQueues,
  deadLetters,
  log,
  now,
}: RedriveOptions) {
  async function enqueueAgain(queue: string, body: unknown): Promise<void> {
    try {
      if (queue === queues.images.name) await workQueues.enqueueImage(parseKey.image(body));
      if (queue === queues.persons.name) await workQueues.enqueuePerson(parseKey.person(body));
      if (queue === queues.trainings.name) {
        await workQueues.enqueueTraining(parseKey.training(body).group, 'redrive', now());
      }
      if (queue === queues.erasures.name) await workQueues.enqueueErasure(parseKey.erasure(body).group);
      // A failure names an image, whose row is found by its state.
    } catch (error) {
      // Anything else leaves the dead letter where it is.
      if (!(error instanceof ZodError)) throw error;
      log.error(`a dead letter of ${queue} cannot be read and is dropped`, error);
    }
  }

  return async function redrive({ reason, after }: RedriveQuery = {}): Promise<Redriven> {
    if (reason === undefined) await deadLetters.drain(enqueueAgain);
    const state = reason !== undefined && isRejection(reason) ? 'rejected' : 'failed';
    let count = 0;
    let lookedAt = 0;
    let next = after;
    for (
      let pages = 0;
      pages < pagesAtMost && count < imagesAtATime && lookedAt < lookedAtAtMost;
      pages += 1
    ) {
      const page = await allImages({ state, top: imagesAtATime - count, after: next });
      const wanted = page.items.filter((picture) => reason === undefined || picture.reason === reason);
      for (const { image } of wanted) {
        const { ref } = placeOf(image);
        await imageRecords.change(ref, (picture) => picture && lookedAtAgain(picture, now()));
        await workQueues.enqueueImage(ref);
      }
      count += wanted.length;
      lookedAt += page.items.length;
      next = page.next;
      if (next === undefined) return { redriven: count, more: false };
    }
    return { redriven: count, more: true, ...(next === undefined ? {} : { next }) };
  };
}
