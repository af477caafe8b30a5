import { setTimeout as sleep } from 'node:timers/promises';
import { describeFailure } from '../common/failureText.ts';
import type { Outbox, PendingEvent } from './outbox.ts';

/*
 * Delivery of the outbox to the Functions host.
 *
 * idle:      nothing is due; a timer waits for the next due time.
 * sending:   up to `concurrency` events are on their way, the oldest first.
 * pausing:   an attempt failed; nothing new is sent before `pausedUntil`, and then one event alone, until one gets
 *            through. Each failure in a row lengthens the pause.
 *
 * An event leaves the outbox only when the host answered 2xx, or after a day. An event that the host refused waits
 * for a time of its own, which grows with its tries, so that it does not hold back the others; an event that did not
 * reach the host keeps its place.
 */

/** Where events go, with the keys of its webhooks. */
export type EventHost = { url: string; keys: { created: string; deleted: string } };

export type DeliveryOptions = { outbox: Outbox; log: (line: string) => void; now: () => number };

const concurrency = 16;
/** As Event Grid: events are tried for a day. */
const keptMs = 86_400_000;
const firstPauseMs = 250;
const longestPauseMs = 5_000;
const longestPostponementMs = 60_000;
/** The Event Grid webhook answers when the function is done. */
const requestTimeoutMs = 60_000;

export function createDelivery({ outbox, log, now }: DeliveryOptions) {
  const stop = new AbortController();
  const running = new Map<number, Promise<void>>();
  let host: EventHost | undefined;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let pausedUntil = 0;

  function wake(): void {
    clearTimeout(timer);
    if (stop.signal.aborted || host === undefined) return;
    const pause = pausedUntil - now();
    if (pause > 0) return wakeIn(pause);
    const free = (failures > 0 ? 1 : concurrency) - running.size;
    // The oldest due events include those on their way.
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
    let status: number | string;
    try {
      status = await post(to, pending, AbortSignal.any([stop.signal, AbortSignal.timeout(requestTimeoutMs)]));
    } catch (error) {
      if (stop.signal.aborted) return;
      status = nameOf(error);
    }
    if (typeof status === 'number' && status >= 200 && status <= 299) {
      outbox.remove(pending.id);
      if (failures > 0) log('events get through again');
      failures = 0;
      pausedUntil = 0;
    } else {
      failed(pending, status);
    }
  }

  function failed(pending: PendingEvent, status: number | string): void {
    if (failures === 0) log(`an event did not get through (${status}) and is tried again`);
    // The attempts that were on their way together fail together: they count once.
    if (now() >= pausedUntil) {
      pausedUntil = now() + Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
      failures += 1;
    }
    if (typeof status === 'number') {
      outbox.postpone(pending.id, now() + Math.min(firstPauseMs * 2 ** pending.tries, longestPostponementMs));
    }
    const dropped = outbox.dropOlderThan(now() - keptMs);
    if (dropped > 0) log(`${dropped} events were dropped: they did not get through for a day`);
  }

  return {
    /** Looks for events that are due. */
    wake,
    /** Where events go from now on; whatever was waiting for this host is tried at once. */
    deliverTo(next: EventHost): void {
      host = next;
      failures = 0;
      pausedUntil = 0;
      wake();
    },
    /** Cuts what is on its way; it stays in the outbox. */
    async close(): Promise<void> {
      stop.abort();
      clearTimeout(timer);
      await Promise.race([Promise.all(running.values()), sleep(1_000, undefined, { ref: false })]);
    },
  };
}

async function post({ url, keys }: EventHost, pending: PendingEvent, signal: AbortSignal): Promise<number> {
  const name = encodeURIComponent(pending.function);
  const path =
    pending.event === 'created'
      ? `/runtime/webhooks/blobs?functionName=Host.Functions.${name}`
      : `/runtime/webhooks/EventGrid?functionName=${name}`;
  const response = await fetch(new URL(path, url), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'aeg-event-type': 'Notification',
      'x-functions-key': keys[pending.event],
    },
    body: `[${pending.body}]`,
    signal,
  });
  await response.arrayBuffer();
  return response.status;
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const { code } = (error.cause ?? error) as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : error.name;
}
