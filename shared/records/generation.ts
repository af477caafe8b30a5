/**
 * A group, and each person in a group, has generations: a deletion ends one and the next image begins another. "2.1" is
 * the first generation of a person in the second generation of the group; a probe has the generation of the group only.
 * Data of an earlier generation is reported as not existing, and is erased.
 */
export type Generation = string;

export function firstGeneration(groupGeneration: number): Generation {
  return `${groupGeneration}.1`;
}

export function nextGeneration(generation: Generation): Generation {
  const [group, person] = parts(generation);
  return `${group}.${person + 1}`;
}

export function generationBefore(generation: Generation): Generation {
  const [group, person] = parts(generation);
  return `${group}.${person - 1}`;
}

export function groupGenerationOf(generation: Generation): number {
  return parts(generation)[0];
}

export function isEarlier(generation: Generation, than: Generation): boolean {
  const [group, person] = parts(generation);
  const [thanGroup, thanPerson] = parts(than);
  return group < thanGroup || (group === thanGroup && person < thanPerson);
}

function parts(generation: Generation): [number, number] {
  const [group = '0', person = '0'] = generation.split('.');
  return [Number(group), Number(person)];
}

/** How far the clock of an instance may be ahead of the storage account's clock. */
const storageClockSkewMs = 5_000;

/**
 * Until which time, by the clocks of instances, a timestamp belongs to the generation that was ended at `deletedAt` (by
 * the clock of the storage account, in whole seconds). -1 when no generation was ended.
 */
export function stampedUntil(deletedAt: number | undefined): number {
  return deletedAt === undefined ? -1 : deletedAt + storageClockSkewMs;
}
