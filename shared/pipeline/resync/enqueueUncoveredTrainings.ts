import { pageOf, type ResyncOptions } from './options.ts';

/** Queues groups with changes that no training covers. */
export async function enqueueUncoveredTrainings({
  trainings,
  groupReconciler,
}: Pick<ResyncOptions, 'trainings' | 'groupReconciler'>): Promise<void> {
  for (const group of await trainings.open(pageOf.trainings)) await groupReconciler.enqueueIfOpen(group);
}
