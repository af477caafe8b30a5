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
  /** Lists the images of all groups. A page with few items or none may be followed by another page. */
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

/** How many images one call redrives at most. The caller repeats the call while there are more images. */
const imagesAtATime = 500;
/**
 * Limits of the pages (each covers some hundred groups) and of the images that one call reads. Only a few of the images
 * may have the requested reason.
 */
const pagesAtMost = 1_000;
const examinedAtMost = 2_000;

/**
 * `reason`: only images that failed or were rejected for this reason; absent: all failed images, and dead-lettered
 * messages too. `after`: the `next` of an earlier call, which makes this call a later page of the same redrive.
 */
export type RedriveQuery = { reason?: FailureCode | undefined; after?: string | undefined };

/** `more`: whether there may be more images, which a call with `next` as `after` redrives. */
export type Redriven = { redriven: number; more: boolean; next?: string };

/**
 * Retries failed work once the cause of the failure is gone: failed images are processed from the start, and the keys
 * of dead-lettered messages are enqueued again. With a reason for which images are rejected, the images rejected for
 * this reason are processed again, whether or not anything has changed. The redrive may be called at any time; after a
 * crash in the middle, the remaining images and messages are unchanged.
 *
 * The first page alone drains the dead letters: each drain waits a second on empty queues, and a dead letter that comes
 * while later pages are redriven tells of an image that has failed again.
 */
export function createRedrive(options: RedriveOptions) {
  const { imageRecords, allImages, workQueues, deadLetters, now } = options;

  return async function redrive({ reason, after }: RedriveQuery = {}): Promise<Redriven> {
    if (reason === undefined && after === undefined)
      await deadLetters.drain((queue, body) => enqueueAgain(options, queue, body));
    const state = reason !== undefined && isRejection(reason) ? 'rejected' : 'failed';
    let count = 0;
    let examined = 0;
    let next = after;
    for (
      let pages = 0;
      pages < pagesAtMost && count < imagesAtATime && examined < examinedAtMost;
      pages += 1
    ) {
      const page = await allImages({ state, top: imagesAtATime - count, after: next });
      const wanted = page.items.filter((record) => reason === undefined || record.reason === reason);
      for (const { image } of wanted) {
        const { ref } = placeOf(image);
        await imageRecords.change(ref, (record) => record && lookedAtAgain(record, now()));
        await workQueues.enqueueImage(ref);
      }
      count += wanted.length;
      examined += page.items.length;
      next = page.next;
      if (next === undefined) return { redriven: count, more: false };
    }
    return { redriven: count, more: true, ...(next !== undefined && { next }) };
  };
}

async function enqueueAgain(
  { workQueues, log, now }: Pick<RedriveOptions, 'workQueues' | 'log' | 'now'>,
  queue: string,
  body: unknown,
): Promise<void> {
  try {
    if (queue === queues.images.name) await workQueues.enqueueImage(parseKey.image(body));
    if (queue === queues.persons.name) await workQueues.enqueuePerson(parseKey.person(body));
    if (queue === queues.trainings.name)
      await workQueues.enqueueTraining(parseKey.training(body).group, 'redrive', now());
    if (queue === queues.erasures.name) await workQueues.enqueueErasure(parseKey.erasure(body).group);
    // A dead letter of a failed image needs no message: the redrive finds the image by the state of its record.
  } catch (error) {
    // Any other error stops the redrive, and the dead letter stays in its queue.
    if (!(error instanceof ZodError)) throw error;
    log.error(`a dead letter of ${queue} cannot be read and is dropped`, error);
  }
}
