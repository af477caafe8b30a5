import type { PersonKey } from '../messages/workQueues.ts';
import type { Erasure } from '../records/erasure.ts';
import type { Person } from '../records/imageRecords.ts';
import { complete } from './complete.ts';
import { joinProbeErasures, leaveProbeErasures } from './groupRow.ts';
import type { EraseOptions } from './options.ts';
import { personSteps } from './personSteps.ts';
import { deferOnFailure, pauseUntil, restart, runSteps } from './progress.ts';

/**
 * Advances the erasure of a person. Resolves with the time of the next reconcile in milliseconds since 1970, or
 * Infinity when none is needed.
 */
export async function erasePerson(options: EraseOptions, { group, person: key }: PersonKey): Promise<number> {
  const person = await options.imageRecords.personRow(group, key);
  const last = person?.erasures?.ids.at(-1);
  if (person === undefined || last === undefined) return Infinity;
  return deferOnFailure(options, last, () => advancePerson(options, person, last));
}

async function advancePerson(options: EraseOptions, person: Person, last: string): Promise<number> {
  const { erasures, imageRecords, now } = options;
  const ids = person.erasures?.ids ?? [];
  await handOnProbes(options, person.group, ids.slice(0, -1), last);
  const went = await runSteps(options, last, person.deletedAt ?? 0, personSteps(options, person));
  if (went !== 'over') return went;
  const erasure = await erasures.get(last);
  if (erasure !== undefined && !(await isTrainedWithout(options, erasure))) return pauseUntil(erasure, now());
  if (!(await imageRecords.personErased(person))) return now();
  await complete(options, ids, erasure, person.generation);
  return Infinity;
}

/**
 * The last of the open erasures of a person does the work of all of them, so `withProbes` of an earlier one is handed
 * on to the last.
 */
async function handOnProbes(
  { erasures, groups }: EraseOptions,
  name: string,
  earlier: readonly string[],
  last: string,
): Promise<void> {
  const found = await Promise.all(earlier.map((id) => erasures.get(id)));
  if (!found.some((erasure) => erasure?.withProbes === true)) return;
  await groups.change(name, (group) => group && leaveProbeErasures(joinProbeErasures(group, last), earlier));
  await erasures.change(last, (erasure) =>
    erasure.withProbes === true ? erasure : { ...restart(erasure), withProbes: true },
  );
}

/** Whether a training that began after the faces were deleted has succeeded, or the group has no training in Face. */
async function isTrainedWithout({ trainings }: EraseOptions, { group, begun }: Erasure): Promise<boolean> {
  const training = await trainings.get(group);
  if (begun === undefined || training?.lastTrainedAt === undefined) return true;
  return (training.lastSucceeded ?? 0) > begun;
}
