import { moveCursor, readCursor } from './cursor.ts';
import { pageOf, type ResyncOptions } from './options.ts';

const job = 'images';

type Options = Pick<ResyncOptions, 'imageStore' | 'allImages' | 'imageReconciler' | 'cursors'>;

/**
 * Finds rows whose blob was deleted without an event, also those of paths that name no group and of probes that wait for
 * their group: one page of all images in each run.
 */
export async function findUnannouncedRemovals(options: Options): Promise<void> {
  const { imageStore, allImages, imageReconciler, cursors } = options;
  const cursor = await readCursor(cursors, job);
  const { items, next } = await allImages({ top: pageOf.images, after: cursor?.next });
  for (const { image, state } of items)
    if (state !== 'removed' && (await imageStore.version(image)) === undefined)
      await imageReconciler.enqueue(image);
  await moveCursor(cursors, job, { next });
}
