import { setImmediate as turn } from 'node:timers/promises';
import { describeFailure } from '../common/failureText.ts';
import type { BlobCatalog, BlobChange } from './blobChange.ts';
import { createDelivery } from './delivery.ts';
import { eventGridEvent } from './eventGridEvent.ts';
import type { Outbox } from './outbox.ts';

/** What the stack tells the storage emulator once the Functions host answers. */
export type Subscribe = {
  type: 'subscribe';
  hostUrl: string;
  /** Of the host's webhooks. */
  keys: { created: string; deleted: string };
  subscriptions: readonly Subscription[];
};

type Subscription = {
  container: string;
  event: 'created' | 'deleted';
  function: string;
  /** Larger blobs are not announced, as by a filter of the real subscription. */
  maxContentLength?: number;
};

export type EventGridOptions = {
  outbox: Outbox;
  catalog: BlobCatalog;
  account: string;
  /** Where the account's blobs are, without a slash at the end. */
  endpoint: () => string;
  log: (line: string) => void;
  now: () => number;
};

/** Blobs compared before other work has its turn. */
const lookStep = 200;

/**
 * Stands in for Event Grid: posts an event to the Functions host for each blob that is created or deleted, at least
 * once, until the host takes it. An event is kept on disk before the answer to the writer leaves; what happened
 * while the eventGrid could not see it is found by comparing the containers with what was announced.
 */
export function createEventGrid({ outbox, catalog, account, endpoint, log, now }: EventGridOptions) {
  const delivery = createDelivery({ outbox, log, now });
  let subscriptions: readonly Subscription[] | undefined;
  let sequence = 0;
  let looking: Promise<void> | undefined;
  let lookAgain = false;
  let closed = false;

  function watches(container: string): boolean {
    return subscriptions?.some((subscription) => subscription.container === container) ?? false;
  }

  /** Told of a change by the server, before its answer leaves. */
  function changed(change: BlobChange): void {
    // After the end, the next look finds it.
    if (closed) return;
    if (change.kind === 'swept') return look();
    // Before the first subscription nothing is known of functions: the look after it finds what happened.
    if (!watches(change.container)) return;
    const { container, blob } = change;
    if (change.kind === 'touched') return outbox.touch(container, blob, change.etagBefore, change.etag);
    const etag = change.kind === 'created' ? change.etag : undefined;
    // A look may have been faster than the answer.
    if (etag !== undefined && outbox.announcedEtag(container, blob) === etag) return;
    announce(change, etag);
  }

  function announce(change: BlobChange & { kind: 'created' | 'deleted' }, etag: string | undefined): void {
    const { kind, container, blob } = change;
    const length = change.kind === 'created' ? change.contentLength : 0;
    const functions = (subscriptions ?? [])
      .filter((wanted) => wanted.container === container && wanted.event === kind)
      .filter(({ maxContentLength = Infinity }) => length <= maxContentLength)
      .map((wanted) => wanted.function);
    // Microseconds: still exact as a number, and beyond those of the process before this one.
    sequence = Math.max(sequence + 1, now() * 1_000);
    const body = JSON.stringify(
      eventGridEvent(change, { account, endpoint: endpoint(), now: now(), sequence }),
    );
    outbox.add({ container, blob, etag, event: kind, functions, body }, now());
    delivery.wake();
  }

  /** Starts a look at all watched containers; one that is asked for during another comes after it. */
  function look(): void {
    if (subscriptions === undefined) return;
    lookAgain = true;
    looking ??= lookThrough()
      .catch((error: unknown) => {
        log(`the containers could not be looked through: ${describeFailure(error)}`);
      })
      .finally(() => {
        looking = undefined;
        if (lookAgain && !closed) look();
      });
  }

  async function lookThrough(): Promise<void> {
    lookAgain = false;
    for (const container of new Set(subscriptions?.map((subscription) => subscription.container))) {
      await lookForCreated(container);
      await lookForDeleted(container);
    }
  }

  async function lookForCreated(container: string): Promise<void> {
    for (const [index, blob] of catalog.names(container).entries()) {
      if (index % lookStep === 0) await turn();
      if (closed) return;
      const version = catalog.find(container, blob);
      if (version === undefined || outbox.announcedEtag(container, blob) === version.etag) continue;
      announce({ kind: 'created', api: 'PutBlob', ...version }, version.etag);
    }
  }

  async function lookForDeleted(container: string): Promise<void> {
    let after = '';
    for (;;) {
      await turn();
      if (closed) return;
      const names = outbox.announcedNames(container, after, lookStep);
      for (const blob of names) {
        if (catalog.find(container, blob) === undefined) {
          announce({ kind: 'deleted', api: 'DeleteBlob', container, blob }, undefined);
        }
      }
      after = names.at(-1) ?? '';
      if (names.length < lookStep) return;
    }
  }

  return {
    changed,
    /** From now on, and for all that happened unseen. Replaces the subscriptions before. */
    subscribe(message: Subscribe): void {
      subscriptions = message.subscriptions;
      outbox.keepOnly(new Set(subscriptions.map((subscription) => subscription.function)), now());
      delivery.deliverTo({ url: message.hostUrl, keys: message.keys });
      look();
    },
    async close(): Promise<void> {
      closed = true;
      await looking;
      await delivery.close();
    },
  };
}
