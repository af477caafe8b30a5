import type { Group } from '../records/groups.ts';
import { complete } from './complete.ts';
import { groupSteps } from './groupSteps.ts';
import type { EraseOptions } from './options.ts';
import { deferOnFailure, runSteps } from './progress.ts';

/** Advances the erasure of a group, and enqueues it again if it is not over. */
export async function eraseGroup(options: EraseOptions, name: string): Promise<void> {
  const { groups, workQueues, now } = options;
  const row = await groups.row(name);
  const last = row?.erasures?.at(-1);
  if (row === undefined || last === undefined) return;
  const nextAt = await deferOnFailure(options, last, () => advanceGroup(options, row, last));
  if (nextAt < Infinity) await workQueues.enqueueErasure(name, Math.max(0, nextAt - now()));
}

/** The last of the open erasures does the work of all of them. Resolves as `erasePerson` does. */
async function advanceGroup(options: EraseOptions, group: Group, last: string): Promise<number> {
  const { erasures, groups, now } = options;
  const { group: name, erasures: ids = [], deletedAt = 0 } = group;
  const went = await runSteps(options, last, deletedAt, groupSteps(options));
  if (went !== 'over') return went;
  const erasure = await erasures.get(last);
  const row = await groups.change(name, (current) => {
    if (current?.erasures?.join() !== ids.join() || current.deletedAt !== group.deletedAt) return current;
    const { erasures: _erasures, ...rest } = current;
    return rest;
  });
  if (row?.erasures !== undefined) return now();
  await complete(options, ids, erasure, String(row?.generation ?? 0));
  return Infinity;
}
