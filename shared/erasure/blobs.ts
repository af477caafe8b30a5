import type { ListedImage } from '../images/imageStore.ts';
import type { Erasure } from '../records/erasure.ts';
import { inParallel } from '../records/parallel.ts';
import type { EraseOptions } from './options.ts';
import type { Slice } from './steps.ts';

const imagesAtATime = 200;
/** Enqueued in parallel at most: for each blob a whole image may be held in memory. */
const enqueuedAtATime = 4;

/**
 * Deletes one page of the blobs below a prefix that were written no later than the deletion. Later blobs whose
 * version is not in an image record are enqueued: the reconcile erases a blob with the same bytes as an erased image.
 */
export async function deleteBlobs(
  options: EraseOptions,
  container: string,
  prefix: string,
  { deletedAt, after }: Erasure,
): Promise<Slice> {
  const { imageStore } = options;
  const { images, next } = await imageStore.list(container, imagesAtATime, after, prefix);
  const old = images.filter(({ writtenAt }) => writtenAt <= deletedAt);
  const removed = await Promise.all(old.map(({ image, etag }) => imageStore.remove(image, etag)));
  await enqueueLater(options, images, deletedAt);
  return { erased: { blobs: removed.filter(Boolean).length }, next };
}

/** Enqueues one page of the blobs below a prefix that were written later than the deletion. */
export async function enqueueLaterBlobs(
  options: EraseOptions,
  container: string,
  prefix: string,
  { deletedAt, after }: Erasure,
): Promise<Slice> {
  const { images, next } = await options.imageStore.list(container, imagesAtATime, after, prefix);
  await enqueueLater(options, images, deletedAt);
  return { next };
}

async function enqueueLater(
  { enqueueIfUnseen }: EraseOptions,
  images: readonly ListedImage[],
  deletedAt: number,
): Promise<void> {
  const later = images.filter(({ writtenAt }) => writtenAt > deletedAt);
  await inParallel(later, enqueuedAtATime, enqueueIfUnseen);
}
