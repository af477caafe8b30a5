import { RollcallError } from '../errors.ts';
import type { Group, Groups } from '../records/groups.ts';

export type GroupSettings = Partial<
  Pick<Group, 'recognitionModel' | 'identifyThreshold' | 'minQuality' | 'severalFaces'>
>;

/**
 * Creates the group or changes its settings; what is not given stays. `condition` may object to what is there.
 * @throws RollcallError recognition_model_fixed: a group keeps its model, since its faces would not compare
 */
export async function putGroup(
  groups: Groups,
  name: string,
  wanted: GroupSettings,
  defaultModel: string,
  now: number,
  condition: (group: Group | undefined) => void = () => undefined,
): Promise<Group> {
  const group = await groups.change(name, (before) => {
    condition(before?.isDeleted === true ? undefined : before);
    if (before === undefined || before.isDeleted === true) {
      const born = newGroup(name, wanted.recognitionModel ?? defaultModel, now);
      return { ...born, ...ofEarlierLives(before), ...wanted };
    }
    if (wanted.recognitionModel !== undefined && wanted.recognitionModel !== before.recognitionModel) {
      throw new RollcallError('recognition_model_fixed', `The group has ${before.recognitionModel}.`);
    }
    return Object.keys(wanted).length === 0
      ? before
      : { ...before, ...wanted, settingsVersion: before.settingsVersion + 1, updatedAt: now };
  });
  if (group === undefined) throw new RollcallError('group_not_found');
  return group;
}

/**
 * The group of a picture that was written then (milliseconds since 1970, by the clock of the storage account), brought
 * into being with it. Undefined when the group was deleted since, and the picture with it.
 */
export async function groupFor(
  groups: Groups,
  name: string,
  writtenAt: number,
  defaultModel: string,
  now: number,
): Promise<Group | undefined> {
  const isGone = (row: Group | undefined) => writtenAt <= (row?.deletedAt ?? -1);
  const group = await groups.change(name, (before) =>
    isGone(before) || (before !== undefined && before.isDeleted !== true)
      ? before
      : { ...newGroup(name, defaultModel, now), ...ofEarlierLives(before) },
  );
  return isGone(group) ? undefined : group;
}

/** What a group that was deleted hands on to its next life. */
function ofEarlierLives(before: Group | undefined): Partial<Group> {
  if (before === undefined) return {};
  const { generation, incarnation, isStaleInFace, claimedUntil, deletedAt, erasures } = before;
  return {
    generation,
    incarnation,
    ...(isStaleInFace === undefined ? {} : { isStaleInFace }),
    ...(claimedUntil === undefined ? {} : { claimedUntil }),
    ...(deletedAt === undefined ? {} : { deletedAt }),
    ...(erasures === undefined ? {} : { erasures }),
  };
}

function newGroup(group: string, recognitionModel: string, now: number): Group {
  return {
    group,
    recognitionModel,
    settingsVersion: 1,
    generation: 1,
    incarnation: 1,
    inFace: false,
    createdAt: now,
    updatedAt: now,
  };
}

/** The group as it is remembered from the moment of its deletion on. */
export function deletedGroup(group: Group, erasure: string, deletedAt: number): Group {
  return {
    ...newGroup(group.group, group.recognitionModel, group.createdAt),
    ...ofEarlierLives(group),
    generation: group.generation + 1,
    incarnation: group.incarnation + 1,
    isStaleInFace: true,
    isDeleted: true,
    deletedAt,
    erasures: [...(group.erasures ?? []), erasure],
  };
}
