import type { ImageRef, WorkQueues } from '../messages/workQueues.ts';
import { RollcallError } from '../errors/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { DeadLetters } from '../messages/deadLetters.ts';
import type { Erasures } from '../records/erasures.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { ImageRecords, Person } from '../records/imageRecords.ts';
import { firstGeneration, groupGenerationOf } from '../records/generation.ts';
import {
  contentOf,
  detected,
  failed,
  identified,
  isDeferred,
  isSettled,
  isToBeCompared,
  needsEnrollment,
  partLookedAt,
  received,
  recognized,
  removed,
  rewritten,
  type KnownPlace,
  type ImageRecord,
} from '../records/image.ts';
import { largestImageBytes } from '../config/resources.ts';
import { recordFailure } from './failurePolicy.ts';
import type { DetectForEnrollment } from '../enrollment/detectFace.ts';
import { isImagePath, placeOf, noGroup, type Place } from '../images/imagePath.ts';
import type { ImageStore, ImageVersion } from '../images/imageStore.ts';

export type ImageReconcilerOptions = {
  imageStore: ImageStore;
  imageRecords: ImageRecords;
  workQueues: WorkQueues;
  deadLetters: DeadLetters;
  detect: DetectForEnrollment;
  /** Identifies the faces of an uploaded probe and records the result. */
  identify: (picture: ImageRecord, bytes: Uint8Array) => Promise<void>;
  groups: Groups;
  erasures: Erasures;
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
  log: Log;
  now: () => number;
};

/** The blob belongs to a deleted group or person. `erasedBy`: the unfinished erasure that counts the blob, if any. */
type Erased = { erasedBy: string | undefined };
/**
 * It is not yet known whether the blob holds an erased image, because the erasure has not erased all rows yet. The
 * erasure later lists the blobs and enqueues every blob whose version is not in an image record.
 */
type Undecided = 'undecided';

/** An image: its record (`picture`), and the version of the blob that its path has now (`photo`). */
type Arrived = { place: Place; picture: ImageRecord; photo: ImageVersion; known: KnownPlace };

export type ImageReconciler = ReturnType<typeof createImageReconciler>;

/**
 * Reconciles images: compares the blob at a path with the image record and takes the next step of detection or
 * identification. The current blob decides, not the event that announced it, so every operation may be called at any
 * time and any number of times, for any path.
 */
export function createImageReconciler(options: ImageReconcilerOptions) {
  const { imageStore, imageRecords, workQueues, now } = options;

  /** Compares the blob at a path with its image record and takes the next step. */
  async function reconcile(image: string): Promise<void> {
    const arrived = await recordBlob(image);
    if (arrived === undefined) return;
    const { place, picture, photo } = arrived;
    if (isToBeCompared(picture, photo)) return compare(arrived);
    if (picture.state !== 'received') return enqueuePersonIfNeeded(place.ref, picture);
    if (isDeferred(picture, now())) return;
    await attempt(place, picture);
  }

  /** Records the blob at a path whose event was lost, and enqueues the image. */
  async function enqueue(image: string): Promise<void> {
    const arrived = await recordBlob(image);
    if (arrived !== undefined) await workQueues.enqueueImage(arrived.place.ref);
  }

  /** Records a listed blob and enqueues the image, unless the image record has the listed version. */
  async function enqueueIfUnseen({ image, etag }: { image: string; etag: string }): Promise<void> {
    const picture = await imageRecords.get(placeOf(image).ref);
    if (picture?.etag !== etag || picture.state === 'removed') await enqueue(image);
  }

  /**
   * Records the blob that is at the path now. The record stays as it is when only the bytes can tell whether the
   * content has changed. Undefined when there is no image: no blob, an erased blob, or a blob whose erasure is
   * undecided.
   */
  async function recordBlob(image: string): Promise<Arrived | undefined> {
    // An event may name a path of another container, which is never an image.
    if (!isImagePath(image)) return undefined;
    const place = placeOf(image);
    const photo = await imageStore.version(image);
    if (photo === undefined) {
      await handleMissingBlob(place);
      return undefined;
    }
    const known = await describe(place, photo);
    if (known === 'undecided') return undefined;
    if ('erasedBy' in known) {
      if ((await imageStore.remove(image, photo.etag)) && known.erasedBy !== undefined)
        await options.erasures.count(known.erasedBy, { blobs: 1 });
      await handleMissingBlob(place);
      return undefined;
    }
    const picture = await imageRecords.change(place.ref, (before) =>
      before !== undefined && isToBeCompared(before, photo) ? before : received(before, known, photo, now()),
    );
    if (picture !== undefined) return { place, picture, photo, known };
    await handleMissingBlob(place);
    return undefined;
  }

  /**
   * Reads the bytes of a blob whose ETag has changed. Equal bytes leave the state of the image as it is: the same bytes
   * were written again, or only the blob was touched.
   */
  async function compare({ place, picture, photo, known }: Arrived): Promise<void> {
    const bytes = await readAll(place, photo);
    // The bytes of an archived blob cannot be read: the image record stays as it is.
    if (bytes === 'archived') return enqueuePersonIfNeeded(place.ref, picture);
    if (bytes === undefined) return;
    const content = contentOf(bytes);
    const after = await imageRecords.change(place.ref, (p) => rewritten(p, known, photo, content, now()));
    if (after?.state === 'received') await attempt(place, after, bytes);
    else await enqueuePersonIfNeeded(place.ref, after);
  }

  /**
   * The bytes of this version of the blob. Undefined when the version no longer exists: a missing blob has been
   * handled, and the image has been enqueued for a newer version.
   */
  async function readAll(place: Place, { etag }: { etag: string }): Promise<Buffer | 'archived' | undefined> {
    const bytes = await imageStore.read(place.image, etag);
    if (bytes === 'gone') await handleMissingBlob(place);
    // The blob has a newer version: the image is enqueued, so that the newer version is reconciled.
    else if (bytes === 'changed') await workQueues.enqueueImage(place.ref);
    else return bytes;
    return undefined;
  }

  async function describe(place: Place, photo: ImageVersion): Promise<KnownPlace | Erased | Undecided> {
    const common = { image: place.image, group: place.group };
    if (place.group === noGroup) return { ...common, generation: '0' };
    const row = await options.groups.row(place.group);
    const person =
      place.ref.person === undefined
        ? undefined
        : await imageRecords.personRow(place.group, place.ref.person);
    const erased = await erasedWith(place, photo, row, person);
    if (erased !== undefined) return erased;
    const isThere = row !== undefined && row.isDeleted !== true;
    const groupOf = place.kind === 'identify' ? options.groupAwaited : options.groupFor;
    const group = isThere ? row : await groupOf(place.group, photo.writtenAt);
    if (group === undefined) return { erasedBy: undefined };
    if (place.kind === 'identify' || place.person === undefined)
      return { ...common, generation: String(group.generation) };
    const isOfPresentGroup =
      person !== undefined && groupGenerationOf(person.generation) === group.generation;
    const generation = isOfPresentGroup ? person.generation : firstGeneration(group.generation);
    return { ...common, person: place.person, generation };
  }

  /**
   * Whether the blob is erased with its group or person: it was written before the deletion, or has the same bytes as
   * an image that is being erased with them. Touching or copying an erased blob does not bring the group or person
   * back.
   */
  async function erasedWith(
    place: Place,
    photo: ImageVersion,
    group: Group | undefined,
    person: Person | undefined,
  ): Promise<Erased | Undecided | undefined> {
    const ofGroup = group?.erasures?.at(-1);
    const ofPerson = person?.erasures?.ids.at(-1);
    if (photo.writtenAt <= (group?.deletedAt ?? -1)) return { erasedBy: ofGroup };
    if (photo.writtenAt <= (person?.deletedAt ?? -1)) return { erasedBy: ofPerson };
    if (place.kind === 'identify' && group?.probeErasures !== undefined) {
      const erased = await erasedWithPerson(place, photo, group.probeErasures);
      if (erased !== undefined) return erased;
    }
    if (ofGroup === undefined && ofPerson === undefined) return undefined;
    const erasure = ofGroup === undefined ? undefined : await options.erasures.get(ofGroup);
    if (erasure !== undefined && erasure.areRowsErased !== true) return 'undecided';
    const content = await contentAt(place, photo);
    if (content === undefined) return undefined;
    if (group !== undefined && ofGroup !== undefined && (await imageRecords.wasImageOfGroup(group, content)))
      return { erasedBy: ofGroup };
    if (person === undefined || ofPerson === undefined) return undefined;
    const wasPicture = await imageRecords.wasImageOfPerson(
      place.group,
      person.key,
      person.generation,
      content,
    );
    return wasPicture ? { erasedBy: ofPerson } : undefined;
  }

  /**
   * Whether a probe has the same bytes as an image of a person who is being erased together with the probes that show
   * the person. `ids`: unfinished erasures of the group that erase probes too.
   */
  async function erasedWithPerson(
    place: Place,
    photo: ImageVersion,
    ids: readonly string[],
  ): Promise<Erased | Undecided | undefined> {
    const open = await Promise.all(ids.map((id) => options.erasures.get(id)));
    const atWork = open
      .filter((erasure) => erasure !== undefined)
      .filter((one) => one.removedAt === undefined);
    if (atWork.length === 0) return undefined;
    if (atWork.some(({ areRowsErased }) => areRowsErased !== true)) return 'undecided';
    const content = await contentAt(place, photo);
    if (content === undefined) return undefined;
    for (const { id, person: key = '' } of atWork) {
      const person = await imageRecords.personRow(place.group, key);
      if (
        person !== undefined &&
        (await imageRecords.wasImageOfPerson(place.group, key, person.generation, content))
      )
        return { erasedBy: id };
    }
    return undefined;
  }

  /**
   * Identifies the bytes of this version of the blob. Undefined when the bytes cannot be read: the blob is archived or
   * larger than `largestImageBytes`.
   * @throws RollcallError conflict when the version no longer exists
   */
  async function contentAt({ image, ref }: Place, photo: ImageVersion): Promise<string | undefined> {
    const known = await imageRecords.get(ref);
    if (known?.etag === photo.etag && known.content !== undefined) return known.content;
    if (photo.bytes > largestImageBytes) return undefined;
    const bytes = await imageStore.read(image, photo.etag);
    if (bytes === 'archived') return undefined;
    if (typeof bytes === 'string') throw new RollcallError('conflict', 'The blob was written meanwhile.');
    return contentOf(bytes);
  }

  /**
   * Does the next step of a received image, and records a failure of the step. `read`: the bytes, if they have been
   * read already.
   */
  async function attempt(place: Place, picture: ImageRecord, read?: Buffer): Promise<void> {
    let seen = picture;
    try {
      if (place.kind === 'bad') throw new RollcallError('bad_path', place.detail);
      if (place.kind === 'identify' && (await options.groups.get(place.group)) === undefined)
        throw new RollcallError('group_not_found');
      if (picture.bytes > largestImageBytes)
        throw new RollcallError('image_too_large', 'The file is over 64 MB.');
      const bytes = read ?? (await readAll(place, picture));
      if (bytes === undefined) return;
      if (bytes === 'archived') throw new RollcallError('image_archived');
      seen = { ...picture, content: contentOf(bytes) };
      await work(place, seen, bytes);
    } catch (error) {
      await recover(place.ref, seen, error);
    }
  }

  async function work({ kind, ref }: Place, seen: ImageRecord, bytes: Buffer): Promise<void> {
    if (kind === 'identify') {
      await options.identify(seen, bytes);
      await imageRecords.change(ref, (p) => p && identified(p, seen, now()));
      return;
    }
    const { content = '', persisted, intents } = seen;
    if (persisted?.content === content || intents.some((intent) => intent.content === content)) {
      const known = await imageRecords.change(ref, (p) => p && recognized(p, seen, content, now()));
      if (known?.state !== 'received') return enqueuePersonIfNeeded(ref, known);
    }
    const face = await options.detect(seen, bytes, async (parts) => {
      await imageRecords.change(ref, (p) => p && partLookedAt(p, seen, parts));
    });
    await enqueuePersonIfNeeded(
      ref,
      await imageRecords.change(ref, (p) => p && detected(p, seen, face, now())),
    );
  }

  async function recover(ref: ImageRef, seen: ImageRecord, error: unknown): Promise<void> {
    const { action, image } = await recordFailure(options, ref, seen, error);
    if (action.kind === 'defer' || action.kind === 'retry')
      return workQueues.enqueueImage(ref, action.afterMs);
    // The image stays received when the policy or the group that rejects the image has changed since the image was
    // read: the image has to be processed again.
    if (image?.state === 'received' && image.etag === seen.etag) await workQueues.enqueueImage(ref);
    await enqueuePersonIfNeeded(ref, image);
  }

  /** There is no blob at the path: marks its image record as removed. No record is created for an unknown path. */
  async function handleMissingBlob({ image, ref }: Place): Promise<void> {
    const picture = await imageRecords.change(ref, (known) => known && removed(known, now()));
    const group = picture && (await options.groups.row(ref.group));
    if (picture !== undefined && group !== undefined && isSettled(picture)) await eraseOrphaned(ref, group);
    else await enqueuePersonIfNeeded(ref, picture);
    // A blob that was written between the read of its version and the change of the record is reconciled again.
    if ((await imageStore.version(image)) !== undefined) await workQueues.enqueueImage(ref);
  }

  async function eraseOrphaned(ref: ImageRef, group: Group): Promise<void> {
    const { pictures } = await imageRecords.eraseOrphaned(ref, group);
    const open = group.erasures?.at(-1);
    if (open === undefined || pictures === 0) return;
    await options.erasures.count(open, { pictures });
    // An unfinished erasure drops the hash of the image's bytes at its end. When no erasure is left by now, the hash is
    // dropped here.
    if ((await options.groups.row(ref.group))?.erasures !== undefined) return;
    await imageRecords.forgetContents(
      ref.group,
      undefined,
      (generation) => groupGenerationOf(generation) < group.generation,
    );
  }

  async function enqueuePersonIfNeeded(ref: ImageRef, picture: ImageRecord | undefined): Promise<void> {
    if (picture === undefined || ref.person === undefined || !needsEnrollment(picture)) return;
    await workQueues.enqueuePerson({ group: ref.group, person: ref.person });
  }

  return {
    reconcile,
    enqueue,
    enqueueIfUnseen,

    /** Reconciles the image that a message names. A reference without an image record is ignored. */
    async reconcileQueued(ref: ImageRef): Promise<void> {
      const picture = await imageRecords.get(ref);
      if (picture !== undefined) await reconcile(picture.image);
    },

    /** Fails an image whose trigger failed five times. An image whose bytes have to be compared is enqueued instead. */
    async markPoisoned(image: string): Promise<void> {
      const arrived = await recordBlob(image);
      if (arrived === undefined) return;
      if (isToBeCompared(arrived.picture, arrived.photo)) return workQueues.enqueueImage(arrived.place.ref);
      const because = { reason: 'too_many_attempts' as const, detail: 'The trigger failed five times.' };
      const { ref } = arrived.place;
      await options.deadLetters.add({ ref, code: because.reason, detail: because.detail });
      await imageRecords.change(ref, (picture) =>
        picture?.state === 'received' ? failed(picture, arrived.picture, because, now()) : picture,
      );
    },
  };
}
