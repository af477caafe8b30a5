import { RollcallError } from '../errors/errors.ts';
import { plus, type Erased, type Erasure, type Erasures } from '../records/erasures.ts';

/** A slice of a step: how much of what was erased, and where to go on; without `next`, the step is over. */
export type Slice = {
  erased?: Partial<Erased>;
  next?: string;
  begun?: number;
  areRowsErased?: true;
  templatesExpireAt?: number;
};
export type Step = (erasure: Erasure, after: string | undefined) => Promise<Slice>;
/** The steps in their order. Their names are stored: a step that is moved keeps its name, a new one gets a new name. */
export type Steps = Readonly<Record<string, Step>>;

/** So long after the first time everything is gone through again: what was on its way then has arrived. */
const secondPassMs = 30_000;

/**
 * Takes an erasure further, slice by slice, until `endAt`; each slice is recorded, so that it can go on anywhere.
 * Resolves with `over`, or with the time at which to go on.
 * @throws RollcallError other_version when another version is at a step that this one does not have
 */
export async function advance(
  erasures: Erasures,
  id: string,
  steps: Steps,
  { now, endAt }: { now: () => number; endAt: number },
): Promise<'over' | number> {
  for (;;) {
    const erasure = await erasures.get(id);
    if (erasure === undefined || erasure.removedAt !== undefined) return 'over';
    const name = currentStep(erasure, steps);
    if (name === undefined) return 'over';
    if (erasure.notBefore > now()) return erasure.notBefore;
    if (now() > endAt) return now();
    const slice = await steps[name]?.(erasure, erasure.after);
    if (slice === undefined) throw unknownStep();
    await erasures.change(id, (current) => {
      const after = counted(current, slice);
      return slice.next === undefined
        ? nextStep(after, Object.keys(steps), name, now())
        : { ...after, step: name, after: slice.next };
    });
  }
}

/** undefined: all is gone through. */
function currentStep({ pass, step }: Erasure, steps: Steps): string | undefined {
  if (pass === 'over') return undefined;
  if (step !== undefined && !Object.hasOwn(steps, step)) throw unknownStep();
  return step ?? Object.keys(steps)[0];
}

function unknownStep(): RollcallError {
  return new RollcallError('other_version', 'A deletion is at a step that this version does not have.');
}

function nextStep(
  { after: _after, step: _step, ...erasure }: Erasure,
  names: string[],
  name: string,
  now: number,
): Erasure {
  const next = names[names.indexOf(name) + 1];
  if (next !== undefined) return { ...erasure, step: next };
  if (erasure.pass === 1) return { ...erasure, pass: 2, notBefore: now + secondPassMs };
  return { ...erasure, pass: 'over' };
}

function counted(
  erasure: Erasure,
  { erased = {}, begun, areRowsErased, templatesExpireAt = 0 }: Slice,
): Erasure {
  const expireAt = Math.max(erasure.templatesExpireAt ?? 0, templatesExpireAt);
  return {
    ...erasure,
    erased: plus(erasure.erased, erased),
    ...(begun === undefined ? {} : { begun }),
    ...(areRowsErased === undefined ? {} : { areRowsErased }),
    ...(expireAt === 0 ? {} : { templatesExpireAt: expireAt }),
  };
}
