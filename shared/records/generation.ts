/**
 * A group, and each person in it, has lives: a deletion ends one, the next picture begins another. "2.1" is the first
 * life of a person in the second life of his group; a probe has the group's alone. What belongs to an earlier life is
 * gone for everybody who asks, and is erased.
 */
export type Life = string;

export function firstLife(groupGeneration: number): Life {
  return `${groupGeneration}.1`;
}

export function nextLife(life: Life): Life {
  const [group, person] = parts(life);
  return `${group}.${person + 1}`;
}

export function lifeBefore(life: Life): Life {
  const [group, person] = parts(life);
  return `${group}.${person - 1}`;
}

export function groupGenerationOf(life: Life): number {
  return parts(life)[0];
}

export function isEarlier(life: Life, than: Life): boolean {
  const [group, person] = parts(life);
  const [thanGroup, thanPerson] = parts(than);
  return group < thanGroup || (group === thanGroup && person < thanPerson);
}

function parts(life: Life): [number, number] {
  const [group = '0', person = '0'] = life.split('.');
  return [Number(group), Number(person)];
}

/** Instances' clocks may be ahead of the storage account's by so much. */
const clockSkewMs = 5_000;

/**
 * Until when, by the clocks of instances, what they stamped belongs to the life that was ended at `deletedAt` (by the
 * clock of the storage account, in whole seconds). -1 when none was.
 */
export function stampedUntil(deletedAt: number | undefined): number {
  return deletedAt === undefined ? -1 : deletedAt + clockSkewMs;
}
