import { createHash } from 'node:crypto';
import { RollcallError } from '../errors/errors.ts';
import type { WorkQueues } from '../messages/workQueues.ts';
import type { Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import { contentOf, lookedAtAgain } from '../records/image.ts';
import { placeOf } from './imagePath.ts';
import type { ImageStore } from './imageStore.ts';

export type UploadOptions = {
  imageStore: ImageStore;
  imageRecords: ImageRecords;
  groups: Groups;
  workQueues: WorkQueues;
  now: () => number;
};

export type DeletionOptions = Pick<UploadOptions, 'imageStore' | 'imageRecords'> & {
  reconcile: (image: string) => Promise<void>;
};

/**
 * Writes an image to its container; the event of the blob starts its processing. An upload of identical bytes changes
 * nothing, unless the image was rejected or failed: such an image is enqueued again.
 * @throws RollcallError bad_path
 */
export async function uploadImage(
  { imageStore, imageRecords, groups, workQueues, now }: UploadOptions,
  image: string,
  bytes: Uint8Array,
  contentType: string,
): Promise<void> {
  const place = placeOf(image);
  if (place.kind === 'bad') throw badPath(place);
  const { ref } = place;
  const [present, group] = await Promise.all([imageStore.version(image), groups.get(ref.group)]);
  const record = group && (await imageRecords.livingImage(group, ref));
  const isStored =
    present !== undefined && record?.etag === present.etag && record.content === contentOf(bytes);
  if (!isStored) {
    const md5 = createHash('md5').update(bytes).digest();
    return imageStore.write(image, bytes, { contentType, md5 });
  }
  if (record.state !== 'rejected' && record.state !== 'failed') return;
  await imageRecords.change(ref, (before) => before && lookedAtAgain(before, now()));
  await workQueues.enqueueImage(ref);
}

/**
 * Deletes an image from its container. The removal is recorded before the returned promise resolves, so that no later
 * answer names the image. A repeated deletion succeeds. Whether the image exists is asked before the deletion, because
 * the storage client repeats a deletion whose answer is lost, and the repetition finds no blob.
 * @throws RollcallError bad_path, image_not_found when the image has neither a blob nor an image record
 */
export async function deleteImage(
  { imageStore, imageRecords, reconcile }: DeletionOptions,
  image: string,
): Promise<void> {
  const place = placeOf(image);
  if ((await imageRecords.get(place.ref)) === undefined) {
    // An image that already has a record can be deleted even if its path is bad.
    if (place.kind === 'bad') throw badPath(place);
    if ((await imageStore.version(image)) === undefined) throw new RollcallError('image_not_found');
  }
  await imageStore.remove(image);
  await reconcile(image);
}

function badPath({ detail }: { detail: string }): RollcallError {
  return new RollcallError('bad_path', detail);
}
