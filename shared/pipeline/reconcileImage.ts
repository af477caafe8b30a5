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
  /** Answers a dropped probe and records the result. */
  identify: (picture: ImageRecord, bytes: Uint8Array) => Promise<void>;
  groups: Groups;
  erasures: Erasures;
  /** Brings the group into being if it is not there; undefined when it was deleted after the picture was written. */
  groupFor: (group: string, writtenAt: number) => Promise<Group | undefined>;
  /** The same for a probe, which brings none into being. */
  groupAwaited: (group: string, writtenAt: number) => Promise<Group | undefined>;
  log: Log;
  now: () => number;
};

/** It goes with its group or person, and this erasure of them, if that is not over, counts it. */
type Erased = { erasedBy: string | undefined };
/** Not yet known whether it is erased: the erasure comes by when it is. */
type Undecided = 'undecided';

/** A picture as it is recorded, and the blob that lies there. */
type Arrived = { place: Place; picture: ImageRecord; photo: ImageVersion; known: KnownPlace };

export type ImageReconciler = ReturnType<typeof createImageReconciler>;

/**
 * The first step of every picture: what lies at its path now decides, not what an event said. Safe to call at any
 * time, as often as one likes, for any path of the two containers.
 */
export function createImageReconciler(options: ImageReconcilerOptions) {
  const { imageStore, imageRecords, workQueues, now } = options;

  /** Compares the blob at a path with its row and takes the next step. */
  async function reconcile(image: string): Promise<void> {
    const arrived = await recordBlob(image);
    if (arrived === undefined) return;
    const { place, picture, photo } = arrived;
    if (isToBeCompared(picture, photo)) return compare(arrived);
    if (picture.state !== 'received') return enqueuePersonIfNeeded(place.ref, picture);
    if (isDeferred(picture, now())) return;
    await attempt(place, picture);
  }

  /** Records the blob at a path, whose event was lost, and queues it. */
  async function enqueue(image: string): Promise<void> {
    const arrived = await recordBlob(image);
    if (arrived !== undefined) await workQueues.enqueueImage(arrived.place.ref);
  }

  /** The same for a version that a listing shows, unless it is recorded. */
  async function enqueueIfUnseen({ image, etag }: { image: string; etag: string }): Promise<void> {
    const picture = await imageRecords.get(placeOf(image).ref);
    if (picture?.etag !== etag || picture.state === 'removed') await enqueue(image);
  }

  /** Records what lies at this path now; undefined when nothing does. What only its bytes can tell is not recorded. */
  async function recordBlob(image: string): Promise<Arrived | undefined> {
    // Whatever an event says, nothing of another container is a picture.
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

  /** The same bytes under another ETag change nothing: somebody wrote them once more, or touched the blob. */
  async function compare({ place, picture, photo, known }: Arrived): Promise<void> {
    const bytes = await readAll(place, photo);
    // Nobody can read it: what is known of it stays.
    if (bytes === 'archived') return enqueuePersonIfNeeded(place.ref, picture);
    if (bytes === undefined) return;
    const content = contentOf(bytes);
    const after = await imageRecords.change(place.ref, (p) => rewritten(p, known, photo, content, now()));
    if (after?.state === 'received') await attempt(place, after, bytes);
    else await enqueuePersonIfNeeded(place.ref, after);
  }

  /** The bytes of this version; undefined when it is not there any more, which is seen to. */
  async function readAll(place: Place, { etag }: { etag: string }): Promise<Buffer | 'archived' | undefined> {
    const bytes = await imageStore.read(place.image, etag);
    if (bytes === 'gone') await handleMissingBlob(place);
    // A newer version has been written: its own event brings us back, or else the reminder.
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
   * Whether the blob goes with its group or person: it lay there when they were deleted, or holds what is being erased
   * with them. Who touches or copies such a blob does not bring them back.
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

  /** The same of a probe and of persons who are erased with the probes that show them. */
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

  /** undefined when nobody can read it. */
  async function contentAt({ image, ref }: Place, photo: ImageVersion): Promise<string | undefined> {
    const known = await imageRecords.get(ref);
    if (known?.etag === photo.etag && known.content !== undefined) return known.content;
    if (photo.bytes > largestImageBytes) return undefined;
    const bytes = await imageStore.read(image, photo.etag);
    if (bytes === 'archived') return undefined;
    if (typeof bytes === 'string') throw new RollcallError('conflict', 'The blob was written meanwhile.');
    return contentOf(bytes);
  }

  /** `read`: the bytes, where they have been read already. */
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
    // The policy or the group that refused the image has changed meanwhile, so that the image is to be detected anew.
    if (image?.state === 'received' && image.etag === seen.etag) await workQueues.enqueueImage(ref);
    await enqueuePersonIfNeeded(ref, image);
  }

  /** The blob is not there: what was known of it is removed. A path that was never known stays unknown. */
  async function handleMissingBlob({ image, ref }: Place): Promise<void> {
    const picture = await imageRecords.change(ref, (known) => known && removed(known, now()));
    const group = picture && (await options.groups.row(ref.group));
    if (picture !== undefined && group !== undefined && isSettled(picture)) await eraseOrphaned(ref, group);
    else await enqueuePersonIfNeeded(ref, picture);
    // Written again between our look and our record: the record is looked at once more.
    if ((await imageStore.version(image)) !== undefined) await workQueues.enqueueImage(ref);
  }

  async function eraseOrphaned(ref: ImageRef, group: Group): Promise<void> {
    const { pictures } = await imageRecords.eraseOrphaned(ref, group);
    const open = group.erasures?.at(-1);
    if (open === undefined || pictures === 0) return;
    await options.erasures.count(open, { pictures });
    // The erasure, which is to forget what the picture was, may be over meanwhile.
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

    /** The same for an image that a message names. */
    async reconcileQueued(ref: ImageRef): Promise<void> {
      const picture = await imageRecords.get(ref);
      if (picture !== undefined) await reconcile(picture.image);
    },

    /** Fails an image whose trigger failed five times. */
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
