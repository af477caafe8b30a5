import { RollcallError } from '../errors.ts';
import type { Group, Groups } from '../records/groups.ts';

export type GroupSettings = Partial<
  Pick<Group, 'recognitionModel' | 'identifyThreshold' | 'minQuality' | 'severalFaces'>
>;

/**
 * Creates the group or changes its settings; what is not given stays.
 * @throws RollcallError recognition_model_fixed: a group keeps its model, since its faces would not compare
 */
export async function putGroup(
  groups: Groups,
  name: string,
  wanted: GroupSettings,
  defaultModel: string,
  now: number,
): Promise<Group> {
  const group = await groups.change(name, (before) => {
    if (before === undefined)
      return { ...newGroup(name, wanted.recognitionModel ?? defaultModel, now), ...wanted };
    if (wanted.recognitionModel !== undefined && wanted.recognitionModel !== before.recognitionModel) {
      throw new RollcallError('recognition_model_fixed', `The group has ${before.recognitionModel}.`);
    }
    return Object.keys(wanted).length === 0 ? before : { ...before, ...wanted, updatedAt: now };
  });
  if (group === undefined) throw new RollcallError('group_not_found');
  return group;
}

function newGroup(group: string, recognitionModel: string, now: number): Group {
  return {
    group,
    recognitionModel,
    generation: 1,
    incarnation: 1,
    inFace: false,
    createdAt: now,
    updatedAt: now,
  };
}
