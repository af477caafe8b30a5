import { deletedGroup } from '../enrollment/groups.ts';
import type { Erasure } from '../records/erasure.ts';
import type { Group } from '../records/groups.ts';

/*
 * What an erasure changes in the row of its group. Each function returns the given row when there is nothing to change.
 */

/**
 * The row of the group after its deletion. Returns the given row also when the generation has already ended, or the
 * settings version is not the one that the request was about.
 */
export function endGeneration(group: Group, erasure: Erasure): Group {
  const { id, deletedAt, settingsVersion = group.settingsVersion } = erasure;
  if (group.erasures?.includes(id) === true) return group;
  if (!isAlive(group, erasure) || settingsVersion !== group.settingsVersion) return group;
  return deletedGroup(group, id, deletedAt);
}

/** Whether the row is still the generation of the group that the erasure is about: not deleted, and not a later one. */
export function isAlive({ isDeleted = false, deletedAt = -1 }: Group, erasure: Erasure): boolean {
  return !isDeleted && deletedAt < erasure.deletedAt;
}

export function joinProbeErasures(group: Group, id: string): Group {
  const { probeErasures = [] } = group;
  return probeErasures.includes(id) ? group : { ...group, probeErasures: [...probeErasures, id] };
}

export function leaveProbeErasures(group: Group, ids: readonly string[]): Group {
  const { probeErasures = [], ...rest } = group;
  const left = probeErasures.filter((id) => !ids.includes(id));
  if (left.length === probeErasures.length) return group;
  return left.length === 0 ? rest : { ...rest, probeErasures: left };
}
