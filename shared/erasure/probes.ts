import { containers } from '../config/resources.ts';
import { placeOf } from '../images/imagePath.ts';
import { nothingErased, plus, type Erasure, type Removal } from '../records/erasure.ts';
import { generationBefore, stampedUntil } from '../records/generation.ts';
import type { Person } from '../records/imageRecords.ts';
import type { StoredResult } from '../records/results.ts';
import type { EraseOptions } from './options.ts';
import { toFaceIds, isBestOf } from './redact.ts';
import type { Slice } from './steps.ts';
import { templatesExpireAt } from './templates.ts';

const probesAtATime = 50;

/**
 * Reads one page of the results that name a person. Deletes each result in which the person is the best candidate of
 * a face, with the probe of the result and the face IDs of that probe.
 */
export async function eraseProbes(options: EraseOptions, person: Person, erasure: Erasure): Promise<Slice> {
  const { group, key } = person;
  const { items, next } = await options.results.list(group, {
    person: person.person,
    top: probesAtATime,
    after: erasure.after,
  });
  let removal: Removal = { erased: nothingErased };
  for (const result of items) {
    if (Date.parse(result.createdAt) > stampedUntil(erasure.deletedAt) || !isBestOf(result, key)) continue;
    removal = plus(removal, await eraseProbeOf(options, person, erasure, result));
    const { dropped, expireAt } = await options.faceIds.drop(group, toFaceIds(result));
    // The result is deleted last: as long as the result exists, a repeated step finds its probe.
    const results = await options.results.drop(group, result.id);
    removal = plus(removal, { erased: { faceIds: dropped, results }, templatesExpireAt: expireAt });
  }
  return { ...removal, areRowsErased: next === undefined, next };
}

async function eraseProbeOf(
  options: EraseOptions,
  { key, generation }: Person,
  erasure: Erasure,
  { image }: StoredResult,
): Promise<Slice> {
  if (image === undefined || !isProbe(image)) return {};
  const blobs = await removeBlob(options, image, erasure);
  const { pictures, received } = await options.imageRecords.eraseProbe(placeOf(image).ref, {
    key,
    generation: generationBefore(generation),
  });
  return { erased: { blobs, pictures }, templatesExpireAt: templatesExpireAt(options, received) };
}

/** Deletes the blob of a probe. A blob that was written to the path after the deletion, and not answered, is kept. */
async function removeBlob(
  { imageRecords, imageStore }: EraseOptions,
  image: string,
  { deletedAt }: Erasure,
): Promise<number> {
  const [blob, record] = await Promise.all([imageStore.version(image), imageRecords.get(placeOf(image).ref)]);
  if (blob === undefined || (blob.writtenAt > deletedAt && blob.etag !== record?.etag)) return 0;
  return Number(await imageStore.remove(image, blob.etag));
}

/** Whether the image is a probe without an image record. False for an image that is not a probe. */
export async function isErasedProbe({ imageRecords }: EraseOptions, image: string): Promise<boolean> {
  return isProbe(image) && (await imageRecords.get(placeOf(image).ref)) === undefined;
}

function isProbe(image: string): boolean {
  return image.startsWith(`${containers.identify}/`);
}
