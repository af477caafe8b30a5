import { containers } from '../../config/resources.ts';
import { deleteOrphanedPersons } from './deleteOrphanedPersons.ts';
import { dropAbandonedRequests } from './dropAbandonedRequests.ts';
import { dropExpiredRecords } from './dropExpiredRecords.ts';
import { dropOldDeadLetters } from './dropOldDeadLetters.ts';
import { enqueueForgottenImages } from './enqueueForgottenImages.ts';
import { enqueueOpenErasures } from './enqueueOpenErasures.ts';
import { enqueueUncoveredTrainings } from './enqueueUncoveredTrainings.ts';
import { enrollLostFaces } from './enrollLostFaces.ts';
import { failPoisonedImages } from './failPoisonedImages.ts';
import { findUnannouncedBlobs } from './findUnannouncedBlobs.ts';
import { findUnannouncedRemovals } from './findUnannouncedRemovals.ts';
import { reconsiderRejected } from './reconsiderRejected.ts';
import { reconcileUndelivered } from './reconcileUndelivered.ts';
import type { ResyncOptions } from './options.ts';

/**
 * Finds what no message announced. Every message may be lost, since rows hold what it was about. Each job handles one
 * page and goes on from there in the next run; a job that fails does not keep the others from running.
 */
const jobs: readonly ((options: ResyncOptions) => Promise<void>)[] = [
  enqueueForgottenImages,
  enrollLostFaces,
  deleteOrphanedPersons,
  enqueueUncoveredTrainings,
  enqueueOpenErasures,
  reconsiderRejected,
  failPoisonedImages,
  reconcileUndelivered,
  (options) => findUnannouncedBlobs(options, containers.enroll),
  (options) => findUnannouncedBlobs(options, containers.identify),
  findUnannouncedRemovals,
  dropExpiredRecords,
  dropAbandonedRequests,
  dropOldDeadLetters,
];

export async function resync(options: ResyncOptions): Promise<void> {
  for (const job of jobs) {
    try {
      await job(options);
    } catch (error) {
      options.log.error('a job of the resync failed; the next resync retries it', error);
    }
  }
}
