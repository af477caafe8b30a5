import { containers } from '../../config/resources.ts';
import { moveCursor, readCursor } from './cursor.ts';
import { dayMs, pageOf, type ResyncOptions } from './options.ts';

type Options = Pick<ResyncOptions, 'imageStore' | 'imageReconciler' | 'cursors' | 'settings' | 'now'>;

/** Finds blobs of a container whose event was lost, and deletes probes past their retention. */
export async function findUnannouncedBlobs(options: Options, container: string): Promise<void> {
  const { imageStore, imageReconciler, cursors, settings, now } = options;
  const cursor = await readCursor(cursors, container);
  const { images, next } = await imageStore.list(container, pageOf.blobs, cursor?.next);
  const keptSince = now() - settings.PROBE_RETENTION_DAYS * dayMs;
  const writtenBefore = now() - settings.SWEEP_GRACE_SECONDS * 1_000;
  for (const { image, etag, writtenAt } of images) {
    // The event of a younger blob may still arrive.
    if (writtenAt > writtenBefore) continue;
    // The removal of a probe is recorded like any other.
    if (container === containers.identify && writtenAt < keptSince && (await imageStore.remove(image, etag)))
      continue;
    await imageReconciler.enqueueIfUnseen({ image, etag });
  }
  await moveCursor(cursors, container, next === undefined ? {} : { next });
}
