import type { ErasedBlob, ErasedBlobs, Undecided } from '../erasure/erasedBlobs.ts';
import { isImagePath, noGroup, placeOf, type Place } from '../images/imagePath.ts';
import type { ImageStore, ImageVersion } from '../images/imageStore.ts';
import type { ImageRef } from '../messages/workQueues.ts';
import { firstGeneration, groupGenerationOf } from '../records/generation.ts';
import type { Group } from '../records/groups.ts';
import {
  contentOf,
  failed,
  isDeferred,
  isSettled,
  isToBeCompared,
  needsEnrollment,
  received,
  removed,
  rewritten,
  type ImageRecord,
  type KnownPlace,
} from '../records/image.ts';
import { processImage, type ProcessImageOptions } from './processImage.ts';

export type ImageReconcilerOptions = ProcessImageOptions & {
  imageStore: ImageStore;
  erasedBlobs: ErasedBlobs;
  /**
   * The group of an enroll image that was written at `writtenAt`; the group is created when it does not exist.
   * Undefined when the group was deleted after the image was written.
   */
  groupFor: (group: string, writtenAt: number) => Promise<Group | undefined>;
  /**
   * The row of the group, existing or deleted, of a probe that was written at `writtenAt`. A probe creates no group.
   * Undefined when the group was deleted after the probe was written.
   */
  groupAwaited: (group: string, writtenAt: number) => Promise<Group | undefined>;
};

/** The bytes of one version of a blob. */
type LoadedVersion = { etag: string; bytes: Uint8Array };

/** An image record, and the version of the blob that its path has now. */
type Recorded = { place: Place; image: ImageRecord; version: ImageVersion; known: KnownPlace };

export type ImageReconciler = ReturnType<typeof createImageReconciler>;

/**
 * Reconciles images: compares the blob at a path with the image record and takes the next step of detection or
 * identification. The current blob decides, not the event that announced it, so every operation may be called at any
 * time and any number of times, for any path.
 */
export function createImageReconciler(options: ImageReconcilerOptions) {
  return {
    /**
     * Compares the blob at a path with its image record and takes the next step. `loaded`: a version whose bytes are at
     * hand already; any other version is read.
     */
    reconcile: (path: string, loaded?: LoadedVersion): Promise<void> => reconcile(options, path, loaded),

    /** Reconciles the image that a message names. A reference without an image record is ignored. */
    async reconcileQueued(ref: ImageRef): Promise<void> {
      const image = await options.imageRecords.get(ref);
      if (image !== undefined) await reconcile(options, image.image);
    },

    /** Records the blob at a path whose event was lost, and enqueues the image. */
    enqueue: (path: string): Promise<void> => enqueue(options, path),

    /** Records a listed blob and enqueues the image, unless the image record has the listed version. */
    async enqueueIfUnseen({ image: path, etag }: { image: string; etag: string }): Promise<void> {
      const image = await options.imageRecords.get(placeOf(path).ref);
      if (image?.etag !== etag || image.state === 'removed') await enqueue(options, path);
    },

    /** Fails an image whose trigger failed five times. An image whose bytes have to be compared is enqueued instead. */
    markPoisoned: (path: string): Promise<void> => markPoisoned(options, path),
  };
}

async function reconcile(
  options: ImageReconcilerOptions,
  path: string,
  loaded?: LoadedVersion,
): Promise<void> {
  const recorded = await recordBlob(options, path);
  if (recorded === undefined) return;
  const { place, image, version } = recorded;
  if (isToBeCompared(image, version)) return compare(options, recorded, loaded);
  if (image.state !== 'received') return enqueuePersonIfNeeded(options, place.ref, image);
  if (isDeferred(image, options.now())) return;
  const after = await processImage(options, place, image, () => readBytes(options, place, image, loaded));
  await enqueuePersonIfNeeded(options, place.ref, after);
}

async function enqueue(options: ImageReconcilerOptions, path: string): Promise<void> {
  const recorded = await recordBlob(options, path);
  if (recorded !== undefined) await options.workQueues.enqueueImage(recorded.place.ref);
}

async function markPoisoned(options: ImageReconcilerOptions, path: string): Promise<void> {
  const recorded = await recordBlob(options, path);
  if (recorded === undefined) return;
  const { place, image, version } = recorded;
  if (isToBeCompared(image, version)) return options.workQueues.enqueueImage(place.ref);
  // The image has moved on in another invocation: nothing has failed.
  if (image.state !== 'received') return enqueuePersonIfNeeded(options, place.ref, image);
  const because = { reason: 'too_many_attempts' as const, detail: 'The trigger failed five times.' };
  await options.deadLetters.add({ ref: place.ref, code: because.reason, detail: because.detail });
  await options.imageRecords.change(place.ref, (current) =>
    current?.state === 'received' ? failed(current, image, because, options.now()) : current,
  );
}

/**
 * Records the blob that is at the path now. The record stays as it is when only the bytes can tell whether the content
 * has changed. Undefined when there is no image: no blob, an erased blob, or a blob whose erasure is undecided.
 */
async function recordBlob(options: ImageReconcilerOptions, path: string): Promise<Recorded | undefined> {
  // An event may name a path of another container, which is never an image.
  if (!isImagePath(path)) return undefined;
  const { imageStore, imageRecords, now } = options;
  const place = placeOf(path);
  const version = await imageStore.version(path);
  const known = version && (await locate(options, place, version));
  if (known === 'undecided') return undefined;
  if (version !== undefined && known !== undefined) {
    if ('erasedBy' in known) await options.erasedBlobs.remove(path, version, known);
    else {
      const image = await imageRecords.change(place.ref, (before) =>
        before !== undefined && isToBeCompared(before, version)
          ? before
          : received(before, known, version, now()),
      );
      if (image !== undefined) return { place, image, version, known };
    }
  }
  await handleMissingBlob(options, place);
  return undefined;
}

/** The group and person of a blob, in their present generation. */
async function locate(
  options: ImageReconcilerOptions,
  place: Place,
  version: ImageVersion,
): Promise<KnownPlace | ErasedBlob | Undecided> {
  const common = { image: place.image, group: place.group };
  if (place.group === noGroup) return { ...common, generation: '0' };
  const row = await options.groups.row(place.group);
  const { person: key } = place.ref;
  const person = key === undefined ? undefined : await options.imageRecords.personRow(place.group, key);
  const erased = await options.erasedBlobs.find({ place, version, group: row, person });
  if (erased !== undefined) return erased;
  const group =
    row !== undefined && row.isDeleted !== true
      ? row
      : await (place.kind === 'identify' ? options.groupAwaited : options.groupFor)(
          place.group,
          version.writtenAt,
        );
  if (group === undefined) return { erasedBy: undefined };
  if (place.kind === 'identify' || place.person === undefined)
    return { ...common, generation: String(group.generation) };
  const isOfPresentGroup = person !== undefined && groupGenerationOf(person.generation) === group.generation;
  const generation = isOfPresentGroup ? person.generation : firstGeneration(group.generation);
  return { ...common, person: place.person, generation };
}

/**
 * Reads the bytes of a blob whose ETag has changed. Equal bytes leave the state of the image as it is: the same bytes
 * were written again, or only the blob was touched.
 */
async function compare(
  options: ImageReconcilerOptions,
  recorded: Recorded,
  loaded: LoadedVersion | undefined,
): Promise<void> {
  const { place, image, version, known } = recorded;
  const bytes = await readBytes(options, place, version, loaded);
  // The bytes of an archived blob cannot be read: the image record stays as it is.
  if (bytes === 'archived') return enqueuePersonIfNeeded(options, place.ref, image);
  if (bytes === undefined) return;
  const content = contentOf(bytes);
  const after = await options.imageRecords.change(place.ref, (current) =>
    rewritten(current, known, version, content, options.now()),
  );
  const processed =
    after?.state === 'received' ? await processImage(options, place, after, async () => bytes) : after;
  await enqueuePersonIfNeeded(options, place.ref, processed);
}

/**
 * The bytes of this version of the blob. Undefined when the version no longer exists: a missing blob has been handled,
 * and the image has been enqueued for a newer version.
 */
async function readBytes(
  options: ImageReconcilerOptions,
  place: Place,
  { etag }: { etag: string },
  loaded: LoadedVersion | undefined,
): Promise<Uint8Array | 'archived' | undefined> {
  if (loaded?.etag === etag) return loaded.bytes;
  const bytes = await options.imageStore.read(place.image, etag);
  if (bytes === 'gone') await handleMissingBlob(options, place);
  else if (bytes === 'changed') await options.workQueues.enqueueImage(place.ref);
  else return bytes;
  return undefined;
}

/** There is no blob at the path: marks its image record as removed. No record is created for an unknown path. */
async function handleMissingBlob(options: ImageReconcilerOptions, place: Place): Promise<void> {
  const { ref } = place;
  const image = await options.imageRecords.change(ref, (known) => known && removed(known, options.now()));
  const group = image && (await options.groups.row(ref.group));
  if (image !== undefined && group !== undefined && isSettled(image))
    await options.erasedBlobs.eraseRecord(ref, group);
  else await enqueuePersonIfNeeded(options, ref, image);
  // A blob that was written between the read of its version and the change of the record is reconciled again.
  if ((await options.imageStore.version(place.image)) !== undefined)
    await options.workQueues.enqueueImage(ref);
}

async function enqueuePersonIfNeeded(
  { workQueues }: ImageReconcilerOptions,
  { group, person }: ImageRef,
  image: ImageRecord | undefined,
): Promise<void> {
  if (image === undefined || person === undefined || !needsEnrollment(image)) return;
  await workQueues.enqueuePerson({ group, person });
}
