import { isFaceError } from '../face/errors.ts';
import type { Erasure } from '../records/erasure.ts';
import type { Person } from '../records/imageRecords.ts';
import type { EraseOptions } from './options.ts';
import type { Slice } from './steps.ts';

/**
 * Deletes every person in Face that the erased rows name. Face deletes the faces of the person too, and an add that
 * is still under way finds no person.
 */
export async function deletePersonsInFace(
  options: EraseOptions,
  person: Person,
  { group, begun }: Erasure,
): Promise<Slice> {
  const personIds = await loadPersonIds(options, person);
  let isChanged = personIds.size > 0 && begun === undefined;
  for (const personId of personIds) {
    isChanged = (await deleteInFace(options, group, personId)) || isChanged;
    await options.groups.dropFacePerson(group, personId);
  }
  return isChanged ? { begun: (await options.groupChanged(group)).begun } : {};
}

/** The person IDs that rows of earlier generations name, without the person ID of the present generation. */
async function loadPersonIds(
  { imageRecords }: EraseOptions,
  { group, key, generation: present }: Person,
): Promise<Set<string>> {
  const row = await imageRecords.personRow(group, key);
  const personIds = new Set(row?.erasures?.personIds);
  for await (const image of imageRecords.imagesOfPerson(group, key)) {
    if (image.generation === present) continue;
    for (const { personId } of [...image.intents, ...image.orphanedFaces]) personIds.add(personId);
    if (image.persisted !== undefined) personIds.add(image.persisted.personId);
  }
  if (row?.personId !== undefined) personIds.delete(row.personId);
  return personIds;
}

/** True when Face had the person, false when Face answers 404. */
async function deleteInFace({ face }: EraseOptions, group: string, personId: string): Promise<boolean> {
  try {
    await face.deletePerson(group, personId);
    return true;
  } catch (error) {
    if (isFaceError(error, 404)) return false;
    throw error;
  }
}
