import type { Erasure } from '../records/erasure.ts';
import { groupGenerationOf, isEarlier, type Generation } from '../records/generation.ts';
import { leaveProbeErasures } from './groupRow.ts';
import type { EraseOptions } from './options.ts';

/** Completes the erasures `ids`, whose work `last` has done. `generation`: the earliest that is not erased. */
export async function complete(
  { erasures, groups, imageRecords }: EraseOptions,
  ids: readonly string[],
  last: Erasure | undefined,
  generation: Generation,
): Promise<void> {
  // A finished erasure names no person any more, and is the last of `ids` that is finished.
  if (last === undefined || last.removedAt !== undefined) return;
  const { group, person } = last;
  await groups.change(group, (row) => row && leaveProbeErasures(row, ids));
  await imageRecords.forgetContents(group, person, (other) =>
    person === undefined
      ? groupGenerationOf(other) < groupGenerationOf(generation)
      : isEarlier(other, generation),
  );
  for (const id of ids) await erasures.removed(id, last);
}
