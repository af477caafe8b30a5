import { codeOf, deferredForMs } from '../errors/errors.ts';
import type { Erasure } from '../records/erasure.ts';
import type { EraseOptions } from './options.ts';
import { advance, type Steps } from './steps.ts';

const longestWorkMs = 20_000;
const shortestPauseMs = 2_000;
const longestPauseMs = 60_000;

/** Advances an erasure, from its first step when the deletion was requested again at a later `deletedAt`. */
export async function runSteps(
  { erasures, now }: EraseOptions,
  id: string,
  deletedAt: number,
  steps: Steps,
): Promise<'over' | number> {
  await erasures.change(id, (erasure) =>
    erasure.deletedAt < deletedAt ? restart({ ...erasure, deletedAt }) : erasure,
  );
  return advance(erasures, id, steps, { now, endAt: now() + longestWorkMs });
}

export function restart({ after: _after, step: _step, ...erasure }: Erasure): Erasure {
  return { ...erasure, pass: 1, notBefore: 0 };
}

/** When to look again whether something else has ended; the longer the erasure takes, the longer the pause. */
export function pauseUntil({ requestedAt }: Erasure, now: number): number {
  return now + Math.min(Math.max(shortestPauseMs, (now - requestedAt) / 4), longestPauseMs);
}

/**
 * Runs `work` and resolves with the time of the next reconcile. An erasure at a step that this version of the app
 * does not have is left to the version that began it.
 */
export async function deferOnFailure(
  { erasures, log, now }: EraseOptions,
  id: string,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const deferredMs = deferredForMs(error);
    if (deferredMs !== undefined) return now() + deferredMs;
    const erasure = codeOf(error) === 'other_version' ? await erasures.get(id) : undefined;
    if (erasure === undefined) throw error;
    log.warn('a deletion waits for the version that began it', error);
    return pauseUntil(erasure, now());
  }
}
