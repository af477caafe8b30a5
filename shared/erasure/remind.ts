import type { Erasure } from '../records/erasure.ts';
import { complete } from './complete.ts';
import { endGeneration, isAlive, joinProbeErasures } from './groupRow.ts';
import type { EraseOptions } from './options.ts';

/** Limit for each kind of work in one call of `remind`. */
const openAtMost = 50;

/**
 * Called by the resync. Finishes erasures whose last template has expired in Face, drops the rows of deleted people
 * that were kept for late messages, and enqueues one page of the open erasures: those with the next IDs after `after`.
 * Resolves with the `after` of the next call; undefined when the next call begins with the first page.
 */
export async function remind(options: EraseOptions, after?: string): Promise<string | undefined> {
  const { erasures, imageRecords, log } = options;
  await erasures.finishExpired(openAtMost);
  await erasures.dropTombstones(openAtMost, ({ group, person, deletedAt }) =>
    imageRecords.dropTombstone(group, person, deletedAt),
  );
  const open = await erasures.listOpen(openAtMost + 1, after);
  const page = open.slice(0, openAtMost);
  for (const { id } of page) {
    try {
      await enqueue(options, id);
    } catch (error) {
      log.error('an open deletion was not enqueued, and will be by a later resync', error);
    }
  }
  return open.length > openAtMost ? page.at(-1)?.id : undefined;
}

/**
 * Enqueues an open erasure: its message may have been lost, or its request may have ended before it marked anything as
 * deleted.
 */
async function enqueue(options: EraseOptions, id: string): Promise<void> {
  const erasure = await options.erasures.get(id);
  // A finished erasure of a person names no person any more, as the erasure of a group never does.
  if (erasure === undefined || erasure.removedAt !== undefined) return;
  const { group, person } = erasure;
  if (person === undefined) {
    await markGroup(options, erasure);
    await options.workQueues.enqueueErasure(group);
  } else {
    await markPerson(options, erasure, person);
    await options.workQueues.enqueuePerson({ group, person });
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
