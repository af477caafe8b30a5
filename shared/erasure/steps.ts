import { RollcallError } from '../errors/errors.ts';
import { plus, type Erased, type Erasure } from '../records/erasure.ts';
import type { Erasures } from '../records/erasures.ts';

/**
 * The outcome of one part of a step: the counts of what was erased, and in `next` where the step continues. Without
 * `next` the step is over.
 */
export type Slice = {
  erased?: Partial<Erased>;
  next?: string | undefined;
  begun?: number;
  areRowsErased?: boolean;
  templatesExpireAt?: number;
};
/** Erases one part; `after` of the erasure says where the part begins. */
export type Step = (erasure: Erasure) => Promise<Slice>;
/** The steps in order. The names of steps are stored: a moved step keeps its name, and a new step needs a new name. */
export type Steps = Readonly<Record<string, Step>>;

/** Pause before the second pass, which erases what was still under way during the first pass. */
const secondPassMs = 30_000;

/**
 * Advances an erasure, part by part, until `endAt`. The progress is recorded after each part, so that any instance can
 * continue. Resolves with `over`, or with the time at which to continue.
 * @throws RollcallError other_version when the erasure is at a step that this version of the app does not have
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
    const slice = await steps[name]?.(erasure);
    if (slice === undefined) throw unknownStep();
    await erasures.change(id, (current) => {
      const after = counted(current, slice);
      return slice.next === undefined
        ? nextStep(after, Object.keys(steps), name, now())
        : { ...after, step: name, after: slice.next };
    });
  }
}

/** The name of the present step; undefined when both passes are over. */
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

function counted(erasure: Erasure, { begun, areRowsErased, ...removal }: Slice): Erasure {
  return {
    ...erasure,
    ...plus(erasure, removal),
    ...(begun !== undefined && { begun }),
    ...(areRowsErased === true && { areRowsErased }),
  };
}
