import { RollcallError } from '../errors.ts';
import type { Quota } from './quota.ts';

/** Interactive: somebody waits for the answer. Background: the pipeline works through what was dropped. */
export type Lane = 'interactive' | 'background';

/** The gate through which every call to Face passes. */
export interface QuotaGate {
  /**
   * Resolves when one call may leave.
   * @throws TurnFarAway when the turn is further away than a function should sleep
   * @throws RollcallError `quota_exceeded` while the monthly volume is used up
   */
  pass(lane: Lane): Promise<void>;
  /** Face refused a call for its rate: nothing leaves for so long. */
  refused(retryAfterMs: number): void;
  /** Face said that the monthly volume is used up, and renews then. */
  exhausted(renewsInMs: number): void;
}

/** The turn of this call is too far away to wait for: come back near it. */
export class TurnFarAway extends Error {
  override readonly name = 'TurnFarAway';
  readonly inMs: number;
  constructor(inMs: number) {
    super(`the next free call is ${Math.ceil(inMs / 1000)} s away`);
    this.inMs = inMs;
  }
}

export type GateOptions = {
  quota: Quota;
  /** Milliseconds by which calls may arrive early or late; the spacing is stretched by it. */
  jitterMs?: number;
  /** The longest wait at the gate in milliseconds. */
  patienceMs?: number;
  now?: () => number;
};

/** A rate below one call a month is no rate to space calls by: a monthly volume is Face's to count. */
const longestSpacingWindowMs = 3_600_000;

/**
 * The gate of one instance.
 *
 * Calls leave one at a time, spaced by the slot: W/N · (1 + J/W) for N calls in W milliseconds and a jitter of J.
 * A sliding-window limiter then accepts every call, since any N + 1 calls take more than W to arrive.
 *
 * State: `nextFree`, the time from which the next call may leave, and two queues, first come first served.
 * Invariants: no two departures are closer than a slot; a background call leaves only when no interactive one
 * waits; both queues together never wait longer than the patience.
 */
export function createQuotaGate({
  quota,
  jitterMs = 50,
  patienceMs = 3_000,
  now = Date.now,
}: GateOptions): QuotaGate {
  const slotMs = slotOf(quota, jitterMs);
  const waiting: Record<Lane, (() => void)[]> = { interactive: [], background: [] };
  let nextFree = 0;
  let exhaustedUntil = 0;
  let timer: NodeJS.Timeout | undefined;

  function depart(): void {
    timer = undefined;
    while (nextFree <= now()) {
      const leave = waiting.interactive.shift() ?? waiting.background.shift();
      if (leave === undefined) return;
      nextFree = Math.max(nextFree, now()) + slotMs;
      leave();
    }
    arm();
  }

  function arm(): void {
    if (timer !== undefined || waiting.interactive.length + waiting.background.length === 0) return;
    timer = setTimeout(depart, Math.max(0, nextFree - now()));
  }

  return {
    pass(lane) {
      if (exhaustedUntil > now()) {
        return Promise.reject(
          new RollcallError('quota_exceeded', undefined, { retryAfterMs: exhaustedUntil - now() }),
        );
      }
      const ahead = waiting.interactive.length + (lane === 'background' ? waiting.background.length : 0);
      const turnInMs = Math.max(0, nextFree - now()) + ahead * slotMs;
      if (turnInMs > Math.max(patienceMs, slotMs)) return Promise.reject(new TurnFarAway(turnInMs));
      return new Promise<void>((resolve) => {
        waiting[lane].push(resolve);
        if (timer === undefined) depart();
      });
    },
    refused(retryAfterMs) {
      nextFree = Math.max(nextFree, now() + retryAfterMs);
    },
    exhausted(renewsInMs) {
      exhaustedUntil = now() + renewsInMs;
    },
  };
}

/** Milliseconds between two calls; 0 when anything is allowed. */
export function slotOf(quota: Quota, jitterMs: number): number {
  return quota
    .filter((rate) => rate.windowMs <= longestSpacingWindowMs)
    .reduce((slot, { calls, windowMs }) => Math.max(slot, (windowMs / calls) * (1 + jitterMs / windowMs)), 0);
}
