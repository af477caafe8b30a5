import { RollcallError } from '../errors/errors.ts';
import type { Erasure } from '../records/erasure.ts';
import type { Group } from '../records/groups.ts';
import type { Person } from '../records/imageRecords.ts';
import { WriteConflict } from '../records/table.ts';
import type { EraseOptions } from './options.ts';
import { endGeneration, joinProbeErasures, leaveProbeErasures } from './groupRow.ts';

/**
 * Ends the generation of a group, or joins the open erasure of a group that is deleted already.
 * @throws WriteConflict to repeat the request
 */
export async function deleteGroup(
  options: EraseOptions,
  name: string,
  condition?: (group: Group | undefined) => void,
): Promise<Erasure> {
  const { erasures, groups, imageStore, workQueues } = options;
  const group = await groups.get(name);
  condition?.(group);
  const deletedAt = await imageStore.now();
  if (group === undefined) {
    const row = await groups.change(name, (current) => current && requestAgain(current, deletedAt));
    const joined = await loadLast(options, row?.erasures);
    if (joined === undefined) throw new RollcallError('group_not_found');
    await workQueues.enqueueErasure(name);
    return joined;
  }
  const { settingsVersion } = group;
  const erasure = await erasures.open(
    { group: name, ...(condition !== undefined && { settingsVersion }) },
    deletedAt,
  );
  const after = await groups.change(name, (current) => current && endGeneration(current, erasure));
  if (after?.erasures?.includes(erasure.id) !== true) return withdraw(options, erasure);
  await workQueues.enqueueErasure(name);
  return erasure;
}

/**
 * Ends the generation of a person, or joins the open erasure of a person that is deleted already.
 * @throws WriteConflict to repeat the request
 */
export async function deletePerson(
  options: EraseOptions,
  name: string,
  key: string,
  withProbes: boolean,
): Promise<Erasure> {
  const { erasures, groups, imageRecords, imageStore, workQueues } = options;
  const group = await groups.get(name);
  if (group === undefined) throw new RollcallError('group_not_found');
  const deletedAt = await imageStore.now();
  if ((await imageRecords.person(group, key)) === undefined) {
    const row = await imageRecords.changePerson(name, key, (current) => requestAgain(current, deletedAt));
    const joined = await loadLast(options, row?.erasures?.ids);
    if (joined === undefined) throw new RollcallError('person_not_found');
    await workQueues.enqueuePerson({ group: name, person: key });
    return joined;
  }
  const erasure = await erasures.open(
    { group: name, person: key, ...(withProbes && { withProbes }) },
    deletedAt,
  );
  // `probeErasures` is written before the person is deleted: from then on every probe that is written or touched is
  // compared with the erased ones.
  if (withProbes) await groups.change(name, (row) => row && joinProbeErasures(row, erasure.id));
  if (!(await imageRecords.deletePerson(group, key, erasure.id, deletedAt)))
    return withdraw(options, erasure);
  await workQueues.enqueuePerson({ group: name, person: key });
  return erasure;
}

/**
 * A deletion that is requested again while its erasure is open belongs to that erasure: `deletedAt` moves to the new
 * request, so that blobs that were written since are erased too.
 */
function requestAgain<Row extends Group | Person>(row: Row, deletedAt: number): Row {
  return row.isDeleted === true && row.erasures !== undefined ? { ...row, deletedAt } : row;
}

async function loadLast(
  { erasures }: EraseOptions,
  ids: readonly string[] = [],
): Promise<Erasure | undefined> {
  const last = ids.at(-1);
  return last === undefined ? undefined : erasures.get(last);
}

/**
 * Withdraws the erasure of a request that deleted nothing because a concurrent request was faster. Resolves with the
 * erasure when the resync has already completed it in place of the request.
 * @throws WriteConflict to repeat the request
 */
async function withdraw(
  { erasures, groups }: EraseOptions,
  { id, group, withProbes }: Erasure,
): Promise<Erasure> {
  if (withProbes === true) await groups.change(group, (row) => row && leaveProbeErasures(row, [id]));
  const over = await erasures.withdraw(id);
  if (over === undefined) throw new WriteConflict('Another request was faster.');
  return over;
}
