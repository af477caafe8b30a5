import { setTimeout as sleep } from 'node:timers/promises';
import { describeFailure } from '../common/failureText.ts';
import type { Outbox, PendingEvent } from './outbox.ts';
import { postEvent, type EventHost } from './webhook.ts';

/*
 * Delivery of the outbox to the Functions host.
 *
 * idle:      no event is due; a timer waits for the next due time.
 * sending:   up to `concurrency` events are being sent, the oldest first.
 * pausing:   an attempt failed; no event is sent before `pausedUntil`, and then one event alone, until one succeeds.
 *            Each failure in a row lengthens the pause.
 *
 * An event leaves the outbox only when the host answered 2xx, or after a day. An event that the host refused is due
 * again after a time that grows with its attempts, so that the event does not hold back the others; an event that did
 * not reach the host keeps its place.
 */

export type DeliveryOptions = { outbox: Outbox; log: (line: string) => void; now: () => number };

const concurrency = 16;
/** Event Grid, too, drops an event after a day. */
const keptMs = 86_400_000;
const firstPauseMs = 250;
const longestPauseMs = 5_000;
const longestPostponementMs = 60_000;

export function createDelivery({ outbox, log, now }: DeliveryOptions) {
  const stop = new AbortController();
  const running = new Map<number, Promise<void>>();
  const pause = createPause(now, log);
  let host: EventHost | undefined;
  let timer: NodeJS.Timeout | undefined;

  /** Sends the events that are due. */
  function wake(): void {
    clearTimeout(timer);
    if (stop.signal.aborted || host === undefined) return;
    if (pause.remainingMs() > 0) return wakeIn(pause.remainingMs());
    const free = (pause.isFailing() ? 1 : concurrency) - running.size;
    // The oldest due events include those that are being sent.
    const due = free > 0 ? outbox.due(now(), running.size + free) : [];
    for (const pending of due.filter(({ id }) => !running.has(id)).slice(0, free)) send(host, pending);
    if (running.size > 0) return;
    const next = outbox.nextDueAt();
    if (next !== undefined) wakeIn(next - now());
  }

  function wakeIn(ms: number): void {
    timer = setTimeout(wake, Math.max(ms, 10));
  }

  function send(to: EventHost, pending: PendingEvent): void {
    const done = attempt(to, pending)
      .catch((error: unknown) => log(`an event could not be noted: ${describeFailure(error)}`))
      .finally(() => {
        running.delete(pending.id);
        wake();
      });
    running.set(pending.id, done);
  }

  async function attempt(to: EventHost, pending: PendingEvent): Promise<void> {
    const status = await postEvent(to, pending, stop.signal);
    if (typeof status === 'number' && status >= 200 && status <= 299) {
      outbox.remove(pending.id);
      pause.end();
    } else if (typeof status === 'number' || !stop.signal.aborted) {
      pause.lengthen(status);
      if (typeof status === 'number') postpone(outbox, pending, now());
      dropExpired(outbox, now(), log);
    }
  }

  return {
    wake,
    /** Sends events to this host from now on, and all events that are waiting at once. */
    deliverTo(next: EventHost): void {
      host = next;
      pause.reset();
      wake();
    },
    /** Cuts the requests that are running. Their events stay in the outbox. */
    async close(): Promise<void> {
      stop.abort();
      clearTimeout(timer);
      await Promise.race([Promise.all(running.values()), sleep(1_000, undefined, { ref: false })]);
    },
  };
}

function postpone(outbox: Outbox, { id, tries }: PendingEvent, now: number): void {
  outbox.postpone(id, now + Math.min(firstPauseMs * 2 ** tries, longestPostponementMs));
}

function dropExpired(outbox: Outbox, now: number, log: (line: string) => void): void {
  const dropped = outbox.dropOlderThan(now - keptMs);
  if (dropped > 0) log(`${dropped} events were dropped: they did not get through for a day`);
}

/**
 * The pause after failures in a row. Attempts that run at the same time fail together, and count once. One line is
 * logged for the first failure, and one for the success that ends the failures.
 */
function createPause(now: () => number, log: (line: string) => void) {
  let failures = 0;
  let pausedUntil = 0;
  return {
    isFailing: (): boolean => failures > 0,
    remainingMs: (): number => pausedUntil - now(),
    lengthen(status: number | string): void {
      if (failures === 0) log(`an event did not get through (${status}) and is tried again`);
      if (now() < pausedUntil) return;
      pausedUntil = now() + Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
      failures += 1;
    },
    end(): void {
      if (failures > 0) log('events get through again');
      reset();
    },
    /** Forgets the failures of a host that is replaced. */
    reset,
  };

  function reset(): void {
    failures = 0;
    pausedUntil = 0;
  }
}
