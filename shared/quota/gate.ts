import { RollcallError } from '../errors.ts';
import type { Quota } from './quota.ts';

/** Interactive: somebody waits for the answer. Background: the pipeline works through what was dropped. */
export type Lane = 'interactive' | 'background';

/** The gate through which every call to Face passes. */
export interface QuotaGate {
  /**
   * Resolves when one call may leave, with a function to call when it has been answered.
   * @throws TurnFarAway when the turn is further away than a function should sleep
   * @throws RollcallError `quota_exceeded` while the monthly volume is used up
   */
  pass(lane: Lane): Promise<() => void>;
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
  /** Milliseconds by which calls usually arrive early or late; the spacing is stretched by it. */
  jitterMs?: number;
  /** Milliseconds after which a call has arrived at the latest, if it has not been answered by then. */
  latestArrivalMs?: number;
  /** The longest wait at the gate in milliseconds. */
  patienceMs?: number;
  now?: () => number;
};

/** A rate below one call a month is no rate to space calls by: a monthly volume is Face's to count. */
const longestSpacingWindowMs = 3_600_000;

/**
 * The gate of one instance.
 *
 * Calls leave one at a time, spaced by the slot: W/N · (1 + J/W) for N calls in W milliseconds and a usual jitter of
 * J. Beside that, a call leaves only while fewer than N calls may have arrived within the last W: a call may have
 * arrived until it is answered, or until its latest arrival. A sliding-window limiter then accepts every call: of any
 * N + 1 arrivals within W, all but the one sent last would have been counted when that one left.
 *
 * State: `nextFree`, the time from which the next call may leave by its spacing; `sent`, the calls that may have
 * arrived within the longest window; two queues, first come first served.
 * Invariants: no two departures are closer than a slot; a background call leaves only when no interactive one
 * waits; nobody waits longer than the patience by the time of his turn.
 */
export function createQuotaGate({
  quota,
  jitterMs = 50,
  latestArrivalMs = 250,
  patienceMs = 3_000,
  now = Date.now,
}: GateOptions): QuotaGate {
  const rates = quota.filter((rate) => rate.windowMs <= longestSpacingWindowMs);
  const slotMs = slotOf(quota, jitterMs);
  const longestWindowMs = Math.max(0, ...rates.map(({ windowMs }) => windowMs));
  const waiting: Record<Lane, ((answered: () => void) => void)[]> = { interactive: [], background: [] };
  let sent: { arrivedBy: number }[] = [];
  let nextFree = 0;
  let exhaustedUntil = 0;
  let timer: NodeJS.Timeout | undefined;

  /** From when on a call may leave. */
  function nextDeparture(): number {
    const free = rates.map(({ calls, windowMs }) => {
      const arrivals = sent.map(({ arrivedBy }) => arrivedBy).toSorted((a, b) => b - a);
      const oldestThatCounts = arrivals[calls - 1];
      return oldestThatCounts === undefined ? 0 : oldestThatCounts + windowMs;
    });
    return Math.max(nextFree, ...free);
  }

  function depart(): void {
    timer = undefined;
    while (nextDeparture() <= now()) {
      const leave = waiting.interactive.shift() ?? waiting.background.shift();
      if (leave === undefined) return;
      nextFree = Math.max(nextFree, now()) + slotMs;
      leave(noteDeparture());
    }
    arm();
  }

  function noteDeparture(): () => void {
    if (rates.length === 0) return () => undefined;
    sent = sent.filter(({ arrivedBy }) => arrivedBy > now() - longestWindowMs);
    const call = { arrivedBy: now() + latestArrivalMs };
    sent.push(call);
    return () => {
      call.arrivedBy = Math.min(call.arrivedBy, now());
      // Whoever waits may leave the earlier for it.
      clearTimeout(timer);
      timer = undefined;
      arm();
    };
  }

  function arm(): void {
    if (timer !== undefined || waiting.interactive.length + waiting.background.length === 0) return;
    timer = setTimeout(depart, Math.max(0, nextDeparture() - now()));
  }

  return {
    pass(lane) {
      if (exhaustedUntil > now()) {
        return Promise.reject(
          new RollcallError('quota_exceeded', undefined, { retryAfterMs: exhaustedUntil - now() }),
        );
      }
      const ahead = waiting.interactive.length + (lane === 'background' ? waiting.background.length : 0);
      const turnInMs = Math.max(0, nextDeparture() - now()) + ahead * slotMs;
      if (turnInMs > Math.max(patienceMs, slotMs)) return Promise.reject(new TurnFarAway(turnInMs));
      return new Promise<() => void>((resolve) => {
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
