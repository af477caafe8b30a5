import { largestImageBytes } from '../config/resources.ts';
import { RollcallError } from '../errors/errors.ts';
import type { Place } from '../images/imagePath.ts';
import type { ImageStore, ImageVersion } from '../images/imageStore.ts';
import type { ImageRef } from '../messages/workQueues.ts';
import type { Erasures } from '../records/erasures.ts';
import { groupGenerationOf } from '../records/generation.ts';
import type { Group, Groups } from '../records/groups.ts';
import { contentOf } from '../records/image.ts';
import type { ImageRecords, Person } from '../records/imageRecords.ts';

/** The blob belongs to a deleted group or person. `erasedBy`: the unfinished erasure that counts the blob, if any. */
export type ErasedBlob = { erasedBy: string | undefined };

/**
 * It is not yet known whether the blob holds an erased image, because the erasure has not erased all rows yet. The
 * erasure later lists the blobs and enqueues every blob whose version is not in an image record.
 */
export type Undecided = 'undecided';

/** A blob at the path of an image, and the rows of the group and the person that the path names. */
export type BlobOfPath = {
  place: Place;
  version: ImageVersion;
  group: Group | undefined;
  person: Person | undefined;
};

export type ErasedBlobsOptions = {
  erasures: Erasures;
  groups: Groups;
  imageRecords: ImageRecords;
  imageStore: ImageStore;
};

export type ErasedBlobs = ReturnType<typeof createErasedBlobs>;

/**
 * Tells blobs that are erased with their group or person from blobs that were uploaded since. A blob is erased when it
 * was written before the deletion, or has the same bytes as an image that is being erased: touching or copying an
 * erased blob does not bring the group or person back.
 */
export function createErasedBlobs(options: ErasedBlobsOptions) {
  const { erasures, groups, imageRecords, imageStore } = options;
  return {
    /** What erases the blob; undefined when nothing does. */
    async find(blob: BlobOfPath): Promise<ErasedBlob | Undecided | undefined> {
      const { place, version, group, person } = blob;
      const ofGroup = group?.erasures?.at(-1);
      if (version.writtenAt <= (group?.deletedAt ?? -1)) return { erasedBy: ofGroup };
      if (version.writtenAt <= (person?.deletedAt ?? -1)) return { erasedBy: person?.erasures?.ids.at(-1) };
      const probe =
        place.kind === 'identify' ? await findErasureOfProbe(options, place, version, group) : undefined;
      return probe ?? findByContent(options, blob);
    },

    /** Deletes the blob, and counts it in the receipt of its erasure. */
    async remove(path: string, { etag }: ImageVersion, { erasedBy }: ErasedBlob): Promise<void> {
      if ((await imageStore.remove(path, etag)) && erasedBy !== undefined)
        await erasures.count(erasedBy, { blobs: 1 });
    },

    /**
     * Erases the record of an image of an earlier generation of its group, which a stalled function wrote after the
     * erasure of the group had passed. `group`: the row of the group as it is now.
     */
    async eraseRecord(ref: ImageRef, group: Group): Promise<void> {
      const { pictures } = await imageRecords.eraseOrphaned(ref, group);
      const open = group.erasures?.at(-1);
      if (open === undefined || pictures === 0) return;
      await erasures.count(open, { pictures });
      // An unfinished erasure drops the hash of the image's bytes at its end. When no erasure is left by now, the hash
      // is dropped here.
      if ((await groups.row(ref.group))?.erasures !== undefined) return;
      await imageRecords.forgetContents(
        ref.group,
        undefined,
        (generation) => groupGenerationOf(generation) < group.generation,
      );
    },
  };
}

/** The unfinished erasure of the group or person of which an image had the same bytes. */
async function findByContent(
  options: ErasedBlobsOptions,
  { place, version, group, person }: BlobOfPath,
): Promise<ErasedBlob | Undecided | undefined> {
  const { erasures, imageRecords } = options;
  const ofGroup = group?.erasures?.at(-1);
  const ofPerson = person?.erasures?.ids.at(-1);
  if (ofGroup === undefined && ofPerson === undefined) return undefined;
  const erasure = ofGroup === undefined ? undefined : await erasures.get(ofGroup);
  if (erasure !== undefined && erasure.areRowsErased !== true) return 'undecided';
  const content = await loadContent(options, place, version);
  if (content === undefined) return undefined;
  if (group !== undefined && ofGroup !== undefined && (await imageRecords.wasImageOfGroup(group, content)))
    return { erasedBy: ofGroup };
  if (person === undefined || ofPerson === undefined) return undefined;
  const wasImage = await imageRecords.wasImageOfPerson(place.group, person.key, person.generation, content);
  return wasImage ? { erasedBy: ofPerson } : undefined;
}

/**
 * The unfinished erasure of a person, together with the probes that show the person, of whom an image has the same bytes
 * as the probe.
 */
async function findErasureOfProbe(
  options: ErasedBlobsOptions,
  place: Place,
  version: ImageVersion,
  group: Group | undefined,
): Promise<ErasedBlob | Undecided | undefined> {
  const { erasures, imageRecords } = options;
  const named = await Promise.all((group?.probeErasures ?? []).map((id) => erasures.get(id)));
  const open = named.filter((erasure) => erasure !== undefined).filter((one) => one.removedAt === undefined);
  if (open.length === 0) return undefined;
  if (open.some(({ areRowsErased }) => areRowsErased !== true)) return 'undecided';
  const content = await loadContent(options, place, version);
  if (content === undefined) return undefined;
  for (const { id, person: key = '' } of open) {
    const person = await imageRecords.personRow(place.group, key);
    if (person === undefined) continue;
    if (await imageRecords.wasImageOfPerson(place.group, key, person.generation, content))
      return { erasedBy: id };
  }
  return undefined;
}

/**
 * Identifies the bytes of this version of the blob. Undefined when the bytes cannot be read: the blob is archived or
 * larger than `largestImageBytes`.
 * @throws RollcallError conflict when the version no longer exists
 */
async function loadContent(
  { imageRecords, imageStore }: ErasedBlobsOptions,
  { image, ref }: Place,
  version: ImageVersion,
): Promise<string | undefined> {
  const known = await imageRecords.get(ref);
  if (known?.etag === version.etag && known.content !== undefined) return known.content;
  if (version.bytes > largestImageBytes) return undefined;
  const bytes = await imageStore.read(image, version.etag);
  if (bytes === 'archived') return undefined;
  if (typeof bytes === 'string') throw new RollcallError('conflict', 'The blob was written meanwhile.');
  return contentOf(bytes);
}
