import { moveCursor, readCursor } from './cursor.ts';
import { dayMs, pageOf, type ResyncOptions } from './options.ts';

const job = 'expired';

type Options = Pick<
  ResyncOptions,
  'groups' | 'faceIds' | 'trainings' | 'untrainedFaces' | 'results' | 'settings' | 'cursors'
>;

/** Drops face IDs past their lifetime, untrained faces that a training covers, and results past their retention. */
export async function dropExpiredRecords(options: Options): Promise<void> {
  const { groups, faceIds, trainings, untrainedFaces, results, settings, cursors } = options;
  const cursor = await readCursor(cursors, job);
  const { items, next } = await groups.list({ top: pageOf.groups, after: cursor?.next });
  for (const { group } of items) {
    await faceIds.dropExpired(group, settings.FACE_ID_LIFETIME_SECONDS * 1_000, pageOf.expired);
    const { lastSucceeded } = (await trainings.get(group)) ?? {};
    if (lastSucceeded !== undefined) await untrainedFaces.dropCovered(group, lastSucceeded, pageOf.expired);
    await results.dropOlderThan(group, settings.RESULT_RETENTION_DAYS * dayMs, pageOf.expired);
  }
  await moveCursor(cursors, job, next === undefined ? {} : { next });
}
