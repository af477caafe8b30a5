import type { PendingEvent } from './outbox.ts';

/** The Functions host, with the keys of its webhooks. */
export type EventHost = { url: string; keys: { created: string; deleted: string } };

/** The Event Grid webhook answers when the function has ended. */
const requestTimeoutMs = 60_000;

/** Posts an event. Returns the status of the response, or the name of the error when there was no response. */
export async function postEvent(
  { url, keys }: EventHost,
  pending: PendingEvent,
  stop: AbortSignal,
): Promise<number | string> {
  const name = encodeURIComponent(pending.function);
  const path =
    pending.event === 'created'
      ? `/runtime/webhooks/blobs?functionName=Host.Functions.${name}`
      : `/runtime/webhooks/EventGrid?functionName=${name}`;
  try {
    const response = await fetch(new URL(path, url), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'aeg-event-type': 'Notification',
        'x-functions-key': keys[pending.event],
      },
      body: `[${pending.body}]`,
      signal: AbortSignal.any([stop, AbortSignal.timeout(requestTimeoutMs)]),
    });
    await response.arrayBuffer();
    return response.status;
  } catch (error) {
    return toName(error);
  }
}

function toName(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const { code } = (error.cause ?? error) as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : error.name;
}
