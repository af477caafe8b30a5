import type { Erased, Erasure, Erasures } from '../records/erasures.ts';

/** A slice of a step: how much of what was erased, and where to go on; without `next`, the step is over. */
export type Slice = { erased?: Partial<Erased>; next?: string; begun?: number };
export type Step = (erasure: Erasure, after: string | undefined) => Promise<Slice>;

/** So long after the first time everything is gone through again: what was on its way then has arrived. */
const secondPassMs = 30_000;

/**
 * Takes an erasure further, slice by slice, until `endAt`; each slice is recorded, so that it can go on anywhere.
 * Resolves with `over`, or with the time at which to go on.
 */
export async function advance(
  erasures: Erasures,
  id: string,
  steps: readonly Step[],
  { now, endAt }: { now: () => number; endAt: number },
): Promise<'over' | number> {
  for (;;) {
    const erasure = await erasures.get(id);
    if (erasure === undefined || erasure.finishedAt !== undefined) return 'over';
    if (erasure.notBefore > now()) return erasure.notBefore;
    if (now() > endAt) return now();
    const step = steps[erasure.step];
    if (step === undefined && erasure.pass === 2) return 'over';
    const slice = step === undefined ? 'pass is over' : await step(erasure, erasure.after);
    await erasures.change(id, (current) =>
      slice === 'pass is over' ? secondPass(current, now()) : progressed(current, slice),
    );
  }
}

function secondPass({ after: _after, ...erasure }: Erasure, now: number): Erasure {
  return { ...erasure, pass: 2, step: 0, notBefore: now + secondPassMs };
}

function progressed({ after: _after, ...erasure }: Erasure, { erased = {}, next, begun }: Slice): Erasure {
  const total = { ...erasure.erased };
  for (const [kind, count] of Object.entries(erased) as [keyof Erased, number][]) total[kind] += count;
  return {
    ...erasure,
    erased: total,
    ...(begun === undefined ? {} : { begun }),
    ...(next === undefined ? { step: erasure.step + 1 } : { after: next }),
  };
}
