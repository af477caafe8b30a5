import { createHash } from 'node:crypto';
import { RollcallError } from '../errors/errors.ts';
import type { Doorbells } from '../messages/workQueues.ts';
import type { Groups } from '../records/groups.ts';
import type { Ledger } from '../records/ledger.ts';
import { contentOf, lookedAtAgain } from '../records/image.ts';
import { placeOf } from './imagePath.ts';
import type { PhotoStore } from './imageStore.ts';

export type DropOptions = {
  photos: PhotoStore;
  ledger: Ledger;
  groups: Groups;
  doorbells: Doorbells;
  now: () => number;
};

/**
 * Puts a picture into its container, where it goes its way. The same bytes again change nothing, unless they were
 * refused or failed: then they are looked at again.
 */
export async function dropPicture(
  { photos, ledger, groups, doorbells, now }: DropOptions,
  image: string,
  bytes: Uint8Array,
  contentType: string,
): Promise<void> {
  const place = placeOf(image);
  if (place.kind === 'bad') throw badPath(place);
  const { ref } = place;
  const [there, group] = await Promise.all([photos.version(image), groups.get(ref.group)]);
  const picture = group && (await ledger.livingPicture(group, ref));
  const liesThere =
    there !== undefined && picture?.etag === there.etag && picture.content === contentOf(bytes);
  if (!liesThere) {
    const md5 = createHash('md5').update(bytes).digest();
    return photos.write(image, bytes, { contentType, md5 });
  }
  if (picture.state !== 'rejected' && picture.state !== 'failed') return;
  await ledger.change(ref, (p) => p && lookedAtAgain(p, now()));
  await doorbells.ringPicture(ref);
}

/**
 * Takes a picture out of its container. Its removal is recorded before this resolves, so that no answer names it.
 * Doing it again is no mistake.
 * @throws RollcallError bad_path, image_not_found when it was never there
 */
export async function deletePicture(
  { photos, ledger, look }: { photos: PhotoStore; ledger: Ledger; look: (image: string) => Promise<void> },
  image: string,
): Promise<void> {
  const place = placeOf(image);
  const { ref } = place;
  // What was enrolled under such a path before can be deleted.
  if (place.kind === 'bad' && (await ledger.get(ref)) === undefined) throw badPath(place);
  const wasThere = await photos.remove(image);
  if (!wasThere && (await ledger.get(ref)) === undefined) throw new RollcallError('image_not_found');
  await look(image);
}

function badPath({ detail }: { detail: string }): RollcallError {
  return new RollcallError('bad_path', detail);
}
