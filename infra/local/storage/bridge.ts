import { randomUUID } from 'node:crypto';
import type { BlobServiceClient } from '@azure/storage-blob';
import { z } from 'zod';
import type { BlobChange } from './blobEvents.ts';
import type { Outbox, PendingEvent } from './outbox.ts';

const subscription = z.object({
  container: z.string(),
  event: z.enum(['created', 'deleted']),
  function: z.string(),
  /** Larger blobs are not announced, as by a filter of the real subscription. */
  maxContentLength: z.number().optional(),
});

/** What the stack tells the storage part once the Functions host answers. */
export const subscribeMessage = z.object({
  type: z.literal('subscribe'),
  hostUrl: z.url(),
  subscriptions: z.array(subscription),
});

type Subscribed = z.output<typeof subscribeMessage>;

export type BridgeOptions = {
  outbox: Outbox;
  blobs: BlobServiceClient;
  log: (line: string) => void;
  now: () => number;
};

/** As Event Grid: events are tried for a day. */
const keptMs = 86_400_000;
const concurrency = 16;
const longestPauseMs = 60_000;
const requestTimeoutMs = 60_000;

/**
 * Stands in for Event Grid: posts an event to the Functions host for each blob that is created or deleted, at least
 * once, until the host takes it. An event is kept on disk before the answer to the writer leaves; what happened
 * while the bridge could not see it is found by comparing the containers with what was announced.
 */
export function createBridge({ outbox, blobs, log, now }: BridgeOptions) {
  let subscribed: Subscribed | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const delivering = new Map<number, Promise<void>>();

  /** Told of a change by the server, before its answer leaves. */
  function changed(change: BlobChange): void {
    // Before the first subscription nothing is known of functions: the look at the start finds it.
    if (subscribed === undefined) return;
    for (const { container, event, function: name } of subscribed.subscriptions) {
      if (container === change.container && event === change.event) {
        outbox.add(name, event, JSON.stringify(change), now());
      }
    }
    if (change.event === 'deleted') outbox.forget(change.container, change.blob);
    deliver();
  }

  /** Compares the containers with what was announced, and announces the difference. */
  async function look(): Promise<void> {
    const containers = new Set(subscribed?.subscriptions.map(({ container }) => container));
    for (const container of containers) {
      const announced = outbox.announced(container);
      for await (const item of blobs.getContainerClient(container).listBlobsFlat()) {
        if (announced.get(item.name) !== item.properties.etag) {
          changed({ event: 'created', api: 'PutBlob', container, blob: item.name });
        }
        announced.delete(item.name);
      }
      for (const blob of announced.keys()) changed({ event: 'deleted', api: 'DeleteBlob', container, blob });
    }
  }

  function deliver(): void {
    clearTimeout(timer);
    if (stopped || subscribed === undefined) return;
    for (const pending of outbox.due(now(), concurrency * 2)) {
      if (delivering.size >= concurrency) return;
      if (delivering.has(pending.id)) continue;
      const done = attempt(pending, subscribed).finally(() => {
        delivering.delete(pending.id);
        deliver();
      });
      delivering.set(pending.id, done);
    }
    if (delivering.size === 0) {
      const next = outbox.nextDueAt();
      if (next !== undefined) timer = setTimeout(deliver, Math.max(10, next - now()));
    }
  }

  async function attempt(pending: PendingEvent, { hostUrl, subscriptions }: Subscribed): Promise<void> {
    const change = JSON.parse(pending.body) as BlobChange;
    try {
      const known = subscriptions.find(({ function: name }) => name === pending.function);
      const { event, etag } = await describe(change);
      const tooLarge =
        change.event === 'created' && event.data.contentLength > (known?.maxContentLength ?? Infinity);
      if (!tooLarge) await post(hostUrl, pending, event);
      if (etag !== undefined) outbox.announce(change.container, change.blob, etag);
      outbox.remove(pending.id);
    } catch (error) {
      const dropped = outbox.dropOlderThan(now() - keptMs);
      if (dropped > 0) log(`${dropped} events were dropped after a day`);
      if (pending.tries === 0)
        log(`an event is tried again: ${error instanceof Error ? error.name : 'Error'}`);
      outbox.postpone(pending.id, now() + Math.min(250 * 2 ** pending.tries, longestPauseMs));
    }
  }

  async function describe(change: BlobChange) {
    const client = blobs.getContainerClient(change.container).getBlobClient(change.blob);
    const properties =
      change.event === 'created'
        ? await client.getProperties().catch((error: { statusCode?: number }) => {
            // Gone again by now: the event goes out all the same, and what lies there decides.
            if (error.statusCode === 404) return undefined;
            throw error;
          })
        : undefined;
    const event = {
      id: randomUUID(),
      topic:
        '/subscriptions/local/resourceGroups/local/providers/Microsoft.Storage/storageAccounts/devstoreaccount1',
      subject: `/blobServices/default/containers/${change.container}/blobs/${change.blob}`,
      eventType:
        change.event === 'created' ? 'Microsoft.Storage.BlobCreated' : 'Microsoft.Storage.BlobDeleted',
      eventTime: new Date(now()).toISOString(),
      dataVersion: '',
      metadataVersion: '1',
      data: {
        api: change.api,
        clientRequestId: randomUUID(),
        requestId: randomUUID(),
        eTag: properties?.etag ?? '',
        contentType: properties?.contentType ?? 'application/octet-stream',
        contentLength: properties?.contentLength ?? 0,
        blobType: 'BlockBlob',
        url: client.url,
        sequencer: String(now()).padStart(32, '0'),
      },
    };
    // Listings give ETags without quotes.
    return { event, etag: properties?.etag?.replaceAll('"', '') };
  }

  return {
    changed,
    async subscribe(message: Subscribed): Promise<void> {
      const first = subscribed === undefined;
      subscribed = message;
      if (!first) return deliver();
      await look();
      deliver();
    },
    async close(): Promise<void> {
      stopped = true;
      clearTimeout(timer);
      await Promise.all(delivering.values());
    },
  };
}

async function post(
  hostUrl: string,
  { event: kind, function: name }: PendingEvent,
  event: object,
): Promise<void> {
  const path =
    kind === 'created'
      ? `/runtime/webhooks/blobs?functionName=Host.Functions.${name}`
      : `/runtime/webhooks/EventGrid?functionName=${name}`;
  const response = await fetch(new URL(path, hostUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'aeg-event-type': 'Notification' },
    body: JSON.stringify([event]),
    signal: AbortSignal.timeout(requestTimeoutMs),
  });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`the host answered ${response.status}`);
}
