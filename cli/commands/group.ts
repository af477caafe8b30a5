import type { Context } from '../context.ts';
import { UsageError } from '../exit.ts';
import { isGroupName } from '../../shared/images/imagePath.ts';

export type GroupOptions = {
  model?: 'recognition_04';
  threshold?: number;
  minQuality?: 'high' | 'medium' | 'low' | 'none';
  severalFaces?: 'reject' | 'dominant' | 'largest';
};

/** Creates a group, or changes those of its settings that are named. */
export async function setGroup(
  { output, connect }: Context,
  group: string,
  options: GroupOptions,
): Promise<void> {
  if (!isGroupName(group))
    throw new UsageError(`a group is 1 to 48 of a-z, 0-9, - and _, without two _ in a row, not "${group}"`);
  const { model, threshold, minQuality, severalFaces } = options;
  const { call } = await connect();
  const answer = await call('PUT groups/{group}', {
    group,
    body: {
      ...(model !== undefined && { recognitionModel: model }),
      ...(threshold !== undefined && { identifyThreshold: threshold }),
      ...(minQuality !== undefined && { minQuality }),
      ...(severalFaces !== undefined && { severalFaces }),
    },
  });
  output.item(answer);
  const settings = [
    answer.recognitionModel,
    ...(answer.identifyThreshold === undefined ? [] : [`threshold ${answer.identifyThreshold}`]),
    ...(answer.minQuality === undefined ? [] : [`least quality ${answer.minQuality}`]),
    ...(answer.severalFaces === undefined ? [] : [`several faces: ${answer.severalFaces}`]),
  ];
  output.print(`${group}: ${settings.join(', ')}`);
  const { lookingAgain } = answer;
  if (lookingAgain !== undefined)
    output.print(
      `Up to ${lookingAgain.pictures} refused pictures are looked at again, for up to ${lookingAgain.calls} calls to Face.`,
    );
}
