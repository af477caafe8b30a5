import type { Announceable, BlobCatalog, BlobChange } from './blobChange.ts';
import { createComparison } from './comparison.ts';
import { createDelivery } from './delivery.ts';
import { toEventGridEvent } from './eventGridEvent.ts';
import type { Outbox } from './outbox.ts';

/** The message that the stack sends to the storage emulator when the Functions host is ready. */
export type Subscribe = {
  type: 'subscribe';
  hostUrl: string;
  /** The keys of the host's webhooks. */
  keys: { created: string; deleted: string };
  subscriptions: readonly Subscription[];
};

type Subscription = {
  container: string;
  event: 'created' | 'deleted';
  function: string;
  /** Larger blobs are not announced, as with a filter of a real subscription. */
  maxContentLength?: number;
};

export type EventGridOptions = {
  outbox: Outbox;
  catalog: BlobCatalog;
  account: string;
  /** The URL of the account's blob service, without a slash at the end. */
  endpoint: () => string;
  log: (line: string) => void;
  now: () => number;
};

export type EventGrid = ReturnType<typeof createEventGrid>;

/**
 * Stands in for Event Grid: posts an event to the Functions host for each blob that is created or deleted, at least
 * once, until the host accepts the event. An event is on disk before the response to the writer of the blob leaves.
 *
 * without subscriptions:  no function is known, and changes are ignored.
 * subscribed:             each change is announced. A comparison of the containers with what was announced finds the
 *                         changes of the time without subscriptions, and those that no request named.
 * closed:                 changes are ignored; the comparison after the next start finds them.
 */
export function createEventGrid({ outbox, catalog, account, endpoint, log, now }: EventGridOptions) {
  const delivery = createDelivery({ outbox, log, now });
  const comparison = createComparison({ catalog, outbox, listContainers, announce, log });
  let subscriptions: readonly Subscription[] = [];
  let sequence = 0;
  let isClosed = false;

  function listContainers(): string[] {
    return subscriptions.map(({ container }) => container);
  }

  function changed(change: BlobChange): void {
    if (isClosed || subscriptions.length === 0) return;
    if (change.kind === 'swept') return comparison.start();
    if (!listContainers().includes(change.container)) return;
    const { container, blob } = change;
    if (change.kind === 'touched') return outbox.touch(container, blob, change.etagBefore, change.etag);
    // A comparison may have announced the blob before the response to its writer left.
    if (change.kind === 'created' && outbox.announcedEtag(container, blob) === change.etag) return;
    announce(change);
  }

  function announce(change: Announceable): void {
    const { kind, container, blob } = change;
    const { etag, contentLength } =
      change.kind === 'created' ? change : { etag: undefined, contentLength: 0 };
    const functions = subscriptions
      .filter((wanted) => wanted.container === container && wanted.event === kind)
      .filter(({ maxContentLength = Infinity }) => contentLength <= maxContentLength)
      .map((wanted) => wanted.function);
    // Microseconds are exact as a number, and greater than every sequence number of an earlier process.
    sequence = Math.max(sequence + 1, now() * 1_000);
    const event = toEventGridEvent(change, { account, endpoint: endpoint(), now: now(), sequence });
    outbox.add({ container, blob, etag, event: kind, functions, body: JSON.stringify(event) }, now());
    delivery.wake();
  }

  return {
    /** Has to be called for each change of the account before the response to its writer leaves. */
    changed,
    /** Replaces the subscriptions, and announces what happened unseen. */
    subscribe(message: Subscribe): void {
      subscriptions = message.subscriptions;
      outbox.keepOnly(new Set(subscriptions.map((subscription) => subscription.function)), now());
      delivery.deliverTo({ url: message.hostUrl, keys: message.keys });
      comparison.start();
    },
    async close(): Promise<void> {
      isClosed = true;
      await comparison.close();
      await delivery.close();
    },
  };
}
