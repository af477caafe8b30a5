import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type ApiClient } from '../apiClient.ts';
import { isSettled, loadKnown, type Known } from './compare.ts';

const lookEveryMs = 1_000;
/** A list of everything costs the storage much: the pause after one is this many times as long as it took. */
const restAfterList = 5;

export type Expected = { image: string; bytes: number; sha256?: string | undefined };

/** How many images of a group are on their way, and whether its training covers the others; undefined: no group yet. */
export async function loadPending(
  call: ApiClient,
  group: string,
): Promise<{ pending: number; isTrained: boolean } | undefined> {
  try {
    const { images, training } = await call('GET groups/{group}', { group });
    return { pending: images.received + images.detected, isTrained: training.covered };
  } catch (error) {
    if (error instanceof ApiError && error.code === 'group_not_found') return undefined;
    throw error;
  }
}

/**
 * Waits until Rollcall is done with everything that was sent and the group is trained. Gives what it has then, or
 * undefined when `stopped` comes first.
 */
export async function waitUntilSettled(
  call: ApiClient,
  group: string,
  sent: readonly Expected[],
  stopped: AbortSignal,
  onPending: (pending: number) => void,
): Promise<Map<string, Known> | undefined> {
  while (!stopped.aborted) {
    const state = await loadPending(call, group);
    if (state !== undefined) onPending(state.pending);
    else if (sent.length === 0) return new Map();
    let restMs = lookEveryMs;
    if (state?.pending === 0) {
      const startedAt = performance.now();
      const known = await loadKnown(call, group);
      if (state.isTrained && sent.every((one) => isSettled(known.get(one.image), one))) return known;
      restMs = Math.max(restMs, restAfterList * (performance.now() - startedAt));
    }
    await sleep(restMs, undefined, { signal: stopped }).catch(() => undefined);
  }
  return undefined;
}
