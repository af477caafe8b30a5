import { moveCursor, readCursor } from './cursor.ts';
import { pageOf, type ResyncOptions } from './options.ts';

const job = 'images';

type Options = Pick<ResyncOptions, 'imageStore' | 'imageRecords' | 'imageReconciler' | 'groups' | 'cursors'>;

/** Finds rows whose blob was deleted without an event: one page of the images of one group in each run. */
export async function findUnannouncedRemovals(options: Options): Promise<void> {
  const { imageStore, imageRecords, imageReconciler, groups, cursors } = options;
  const cursor = await readCursor(cursors, job);
  const { items, next } = await groups.list({ top: 1, after: cursor?.next });
  const [group] = items;
  if (group === undefined) return moveCursor(cursors, job, {});
  const page = await imageRecords.listImages(group.group, { top: pageOf.images, after: cursor?.after });
  for (const { image, state } of page.items)
    if (state !== 'removed' && (await imageStore.version(image)) === undefined)
      await imageReconciler.enqueue(image);
  await moveCursor(
    cursors,
    job,
    page.next === undefined ? { next } : { next: cursor?.next, after: page.next },
  );
}
