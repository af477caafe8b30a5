import type { ResyncOptions } from './options.ts';

/** Trains every group anew that has been trained before. */
export async function retrain({
  groups,
  trainings,
  groupReconciler,
  now,
}: Pick<ResyncOptions, 'groups' | 'trainings' | 'groupReconciler' | 'now'>): Promise<void> {
  const startedAt = now();
  for (let after: string | undefined; ;) {
    const page = await groups.list({ top: 100, after });
    for (const { group } of page.items) {
      const training = await trainings.get(group);
      if ((training?.lastTrainedAt ?? startedAt) < startedAt) await groupReconciler.trainNow(group);
    }
    if (page.next === undefined) return;
    after = page.next;
  }
}
