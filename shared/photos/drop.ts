import { createHash } from 'node:crypto';
import { RollcallError } from '../errors.ts';
import type { Ledger } from '../records/ledger.ts';
import { placeOf } from './path.ts';
import type { PhotoStore } from './photoStore.ts';

/** Puts a picture into its container, where it goes its way. The same bytes again change nothing. */
export async function dropPicture(
  photos: PhotoStore,
  image: string,
  bytes: Uint8Array,
  contentType: string,
): Promise<void> {
  const place = placeOf(image);
  if (place.kind === 'bad') throw badPath(place);
  const md5 = createHash('md5').update(bytes).digest();
  const there = await photos.version(image);
  if (there?.md5 !== undefined && md5.equals(there.md5)) return;
  await photos.write(image, bytes, { contentType, md5 });
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
