import { containers } from '../config/resources.ts';
import type { Erasure } from '../records/erasure.ts';
import type { Person } from '../records/imageRecords.ts';
import type { StoredResult } from '../records/results.ts';
import { deleteBlobs, enqueueLaterBlobs } from './blobs.ts';
import { forgetFaceIds, forgetResults, forgetUntrainedFaces } from './forget.ts';
import type { EraseOptions } from './options.ts';
import { deletePersonsInFace } from './personsInFace.ts';
import { eraseProbes, isErasedProbe } from './probes.ts';
import { isImageOf, toNames, redact } from './redact.ts';
import type { Slice, Steps } from './steps.ts';
import { templatesExpireAt } from './templates.ts';

/** The steps that erase a person, in the order in which they run. */
export function personSteps(options: EraseOptions, person: Person): Steps {
  const [composed, decomposed] = [person.person.normalize('NFC'), person.person.normalize('NFD')];
  const deleteBlobsOf = (name: string, erasure: Erasure): Promise<Slice> =>
    deleteBlobs(options, containers.enroll, `${person.group}/${name}/`, erasure);
  return {
    composedNames: (erasure) => deleteBlobsOf(composed, erasure),
    decomposedNames: async (erasure) => (composed === decomposed ? {} : deleteBlobsOf(decomposed, erasure)),
    otherNames: (erasure) => deleteBlobsOfRows(options, person, erasure),
    personInFace: (erasure) => deletePersonsInFace(options, person, erasure),
    probes: async (erasure) => (erasure.withProbes === true ? eraseProbes(options, person, erasure) : {}),
    // Probes that were uploaded before it was known which bytes are erased are reconciled again.
    laterProbes: async (erasure) =>
      erasure.withProbes === true
        ? enqueueLaterBlobs(options, containers.identify, `${person.group}/`, erasure)
        : {},
    rows: () => eraseRows(options, person),
    faceIds: (erasure) =>
      forgetFaceIds(
        options,
        erasure,
        async ({ image = '' }) =>
          isImageOf(image, person.key) ||
          (erasure.withProbes === true && (await isErasedProbe(options, image))),
      ),
    untrainedFaces: (erasure) =>
      forgetUntrainedFaces(options, erasure, ({ ref }) => ref.person === person.key),
    results: (erasure) =>
      forgetResults(options, erasure, (result) => withoutPerson(options, person, erasure, result)),
  };
}

/**
 * Deletes the blobs of the image records of a person. A blob path may hold the name of the person in another spelling
 * than NFC and NFD, whose prefixes are listed.
 */
async function deleteBlobsOfRows(
  { imageRecords, imageStore, enqueueIfUnseen }: EraseOptions,
  { group, key, generation: present }: Person,
  { deletedAt }: Erasure,
): Promise<Slice> {
  let blobs = 0;
  for await (const { image, generation } of imageRecords.imagesOfPerson(group, key)) {
    if (generation === present) continue;
    const blob = await imageStore.version(image);
    if (blob === undefined) continue;
    if (blob.writtenAt > deletedAt) await enqueueIfUnseen({ image, etag: blob.etag });
    else if (await imageStore.remove(image, blob.etag)) blobs += 1;
  }
  return { erased: { blobs } };
}

async function eraseRows(options: EraseOptions, { group, key, generation }: Person): Promise<Slice> {
  const { received, more, ...erased } = await options.imageRecords.erasePerson(group, key, generation);
  return {
    erased,
    templatesExpireAt: templatesExpireAt(options, received),
    next: more ? 'more' : undefined,
  };
}

/** The result without the person, its images, and the probes that were erased with the person. */
async function withoutPerson(
  options: EraseOptions,
  { key }: Person,
  { withProbes }: Erasure,
  result: StoredResult,
): Promise<StoredResult | undefined> {
  const gone = new Set<string>();
  if (withProbes === true)
    for (const image of toNames(result).images) if (await isErasedProbe(options, image)) gone.add(image);
  return redact(result, {
    person: (other) => other !== key,
    image: (image) => !isImageOf(image, key) && !gone.has(image),
  });
}
