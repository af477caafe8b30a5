import type { Log } from '../log.ts';
import type { DeadLetters } from '../messages/deadLetters.ts';
import { readBell, type Doorbells } from '../messages/doorbells.ts';
import { placeOf } from '../photos/path.ts';
import type { Ledger, Page } from '../records/ledger.ts';
import { redriven, type Picture } from '../records/picture.ts';
import { queues } from '../resources.ts';

export type RedriveOptions = {
  ledger: Ledger;
  failedPictures: (top: number) => Promise<Page<Picture>>;
  doorbells: Doorbells;
  deadLetters: DeadLetters;
  log: Log;
  now: () => number;
};

/** One call sends so many pictures round again; the caller asks once more while there are others. */
const picturesAtATime = 500;

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
      log.error(`a dead letter of ${queue} cannot be read and is dropped`, error);
    }
  }

  return async function redrive(): Promise<{ redriven: number; more: boolean }> {
    await deadLetters.exhume(ring);
    const { items, next } = await failedPictures(picturesAtATime);
    for (const { image } of items) {
      const { ref } = placeOf(image);
      await ledger.change(ref, (picture) => picture && redriven(picture, now()));
      await doorbells.ringPicture(ref);
    }
    return { redriven: items.length, more: next !== undefined };
  };
}
