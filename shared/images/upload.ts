import { createHash } from 'node:crypto';
import { RollcallError } from '../errors/errors.ts';
import type { WorkQueues } from '../messages/workQueues.ts';
import type { Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import { contentOf, lookedAtAgain } from '../records/image.ts';
import { placeOf } from './imagePath.ts';
import type { ImageStore } from './imageStore.ts';

export type DropOptions = {
  imageStore: ImageStore;
  imageRecords: ImageRecords;
  groups: Groups;
  workQueues: WorkQueues;
  now: () => number;
};

/**
 * Writes an image to its container; the event of the blob starts its processing. An upload of identical bytes changes
 * nothing, unless the image was rejected or failed: such an image is enqueued again.
 * @throws RollcallError bad_path
 */
export async function uploadImage(
  { imageStore, imageRecords, groups, workQueues, now }: DropOptions,
  image: string,
  bytes: Uint8Array,
  contentType: string,
): Promise<void> {
  const place = placeOf(image);
  if (place.kind === 'bad') throw badPath(place);
  const { ref } = place;
  const [there, group] = await Promise.all([imageStore.version(image), groups.get(ref.group)]);
  const picture = group && (await imageRecords.livingImage(group, ref));
  const liesThere =
    there !== undefined && picture?.etag === there.etag && picture.content === contentOf(bytes);
  if (!liesThere) {
    const md5 = createHash('md5').update(bytes).digest();
    return imageStore.write(image, bytes, { contentType, md5 });
  }
  if (picture.state !== 'rejected' && picture.state !== 'failed') return;
  await imageRecords.change(ref, (p) => p && lookedAtAgain(p, now()));
  await workQueues.enqueueImage(ref);
}

/**
 * Deletes an image from its container. The removal is recorded before the returned promise resolves, so that no later
 * answer names the image. A repeated deletion succeeds.
 * @throws RollcallError bad_path, image_not_found when the image has neither a blob nor an image record
 */
export async function deletePicture(
  {
    imageStore,
    imageRecords,
    reconcile,
  }: { imageStore: ImageStore; imageRecords: ImageRecords; reconcile: (image: string) => Promise<void> },
  image: string,
): Promise<void> {
  const place = placeOf(image);
  const { ref } = place;
  // An image that already has a record can be deleted even if its path is bad.
  if (place.kind === 'bad' && (await imageRecords.get(ref)) === undefined) throw badPath(place);
  const wasThere = await imageStore.remove(image);
  if (!wasThere && (await imageRecords.get(ref)) === undefined) throw new RollcallError('image_not_found');
  await reconcile(image);
}

function badPath({ detail }: { detail: string }): RollcallError {
  return new RollcallError('bad_path', detail);
}
