import type { Erasure } from '../records/erasure.ts';
import { complete } from './complete.ts';
import { endGeneration, isAlive, joinProbeErasures } from './groupRow.ts';
import type { EraseOptions } from './options.ts';

/**
 * Limit for each kind of work in one call of `remind`. Every resync enqueues an open erasure again until it is
 * finished.
 */
const openAtMost = 50;

/**
 * Called by the resync. Enqueues open erasures: the message of an erasure may have been lost, or its request may
 * have ended before it marked anything as deleted. Finishes erasures whose last template has expired in Face, and
 * drops the rows of deleted people that were kept for late messages.
 */
export async function remind(options: EraseOptions): Promise<void> {
  const { erasures, imageRecords, workQueues } = options;
  await erasures.finishExpired(openAtMost);
  await erasures.dropTombstones(openAtMost, ({ group, person, deletedAt }) =>
    imageRecords.dropTombstone(group, person, deletedAt),
  );
  for (const { id } of await erasures.listOpen(openAtMost)) {
    const erasure = await erasures.get(id);
    // A finished erasure of a person names no person any more, as the erasure of a group never does.
    if (erasure === undefined || erasure.removedAt !== undefined) continue;
    const { group, person } = erasure;
    if (person === undefined) {
      await markGroup(options, erasure);
      await workQueues.enqueueErasure(group);
    } else {
      await markPerson(options, erasure, person);
      await workQueues.enqueuePerson({ group, person });
    }
  }
}

/*
 * The group or person of an open erasure is marked as deleted, in case the request ended before it did so. If the group
 * or person was already deleted, with its group or by another request, this erasure is over when the other one is.
 */

async function markGroup(options: EraseOptions, erasure: Erasure): Promise<void> {
  const { id, group } = erasure;
  const row = await options.groups.change(group, (current) => current && endGeneration(current, erasure));
  const { erasures: open = [] } = row ?? {};
  if (open.includes(id)) return;
  if (row !== undefined && isAlive(row, erasure)) await options.erasures.withdraw(id);
  else if (open.length === 0) await complete(options, [id], erasure, String(row?.generation ?? 0));
}

async function markPerson(options: EraseOptions, erasure: Erasure, key: string): Promise<void> {
  const { groups, imageRecords } = options;
  const { id, group, deletedAt, withProbes } = erasure;
  const row = await groups.row(group);
  if (row !== undefined) {
    if (withProbes === true)
      await groups.change(group, (current) => current && joinProbeErasures(current, id));
    await imageRecords.deletePerson(row, key, id, deletedAt);
  }
  const person = await imageRecords.personRow(group, key);
  const open = [...(row?.erasures ?? []), ...(person?.erasures?.ids ?? [])];
  if (open.length > 0) return;
  await complete(options, [id], erasure, person?.generation ?? String(row?.generation ?? 0));
}
