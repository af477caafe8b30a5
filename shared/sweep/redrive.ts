import { ZodError } from 'zod';
import type { Log } from '../log.ts';
import type { DeadLetters } from '../messages/deadLetters.ts';
import { readBell, type Doorbells } from '../messages/doorbells.ts';
import { placeOf } from '../photos/path.ts';
import type { Ledger, Page } from '../records/ledger.ts';
import { lookedAtAgain, type Picture } from '../records/picture.ts';
import { queues } from '../resources.ts';

export type RedriveOptions = {
  ledger: Ledger;
  /** Pictures that failed, of all groups; a page may be short, or empty, and not be the last. */
  failedPictures: (query: { top: number; after?: string }) => Promise<Page<Picture>>;
  doorbells: Doorbells;
  deadLetters: DeadLetters;
  log: Log;
  now: () => number;
};

/** One call sends so many pictures round again; the caller asks once more while there are others. */
const picturesAtATime = 500;
/** Pages that one call reads at most; each looks through some hundred groups. */
const pagesAtMost = 1_000;

/**
 * Sends round again what was given up, once its cause is gone: failed pictures start anew, doorbells that were
 * dead-lettered ring once more. Safe to call at any time; a death in the middle leaves the rest failed.
 */
export function createRedrive({ ledger, failedPictures, doorbells, deadLetters, log, now }: RedriveOptions) {
  async function ring(queue: string, body: unknown): Promise<void> {
    try {
      if (queue === queues.pictures.name) await doorbells.ringPicture(readBell.picture(body));
      if (queue === queues.persons.name) await doorbells.ringPerson(readBell.person(body));
      if (queue === queues.trainings.name) {
        await doorbells.ringTraining(readBell.training(body).group, 'redrive', now());
      }
      if (queue === queues.erasures.name) await doorbells.ringErasure(readBell.erasure(body).group);
      // A failure speaks of a picture, which the ledger knows.
    } catch (error) {
      // Anything else leaves the dead letter where it is.
      if (!(error instanceof ZodError)) throw error;
      log.error(`a dead letter of ${queue} cannot be read and is dropped`, error);
    }
  }

  return async function redrive(): Promise<{ redriven: number; more: boolean }> {
    await deadLetters.exhume(ring);
    let count = 0;
    let after: string | undefined;
    for (let pages = 0; pages < pagesAtMost && count < picturesAtATime; pages += 1) {
      const { items, next } = await failedPictures({
        top: picturesAtATime - count,
        ...(after === undefined ? {} : { after }),
      });
      for (const { image } of items) {
        const { ref } = placeOf(image);
        await ledger.change(ref, (picture) => picture && lookedAtAgain(picture, now()));
        await doorbells.ringPicture(ref);
      }
      count += items.length;
      after = next;
      if (after === undefined) break;
    }
    return { redriven: count, more: after !== undefined };
  };
}
