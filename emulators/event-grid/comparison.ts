import { setImmediate as turn } from 'node:timers/promises';
import { describeFailure } from '../common/failureText.ts';
import type { BlobCatalog, Announceable } from './blobChange.ts';
import type { Outbox } from './outbox.ts';

export type ComparisonOptions = {
  catalog: BlobCatalog;
  outbox: Outbox;
  /** The containers that are compared. */
  listContainers: () => Iterable<string>;
  announce: (change: Announceable) => void;
  log: (line: string) => void;
};

/** How many blobs are compared in one turn of the event loop. */
const blobsPerTurn = 200;

/**
 * Finds blobs that were created or deleted unseen, by comparing the containers with what was announced.
 *
 * idle:     no comparison was asked for.
 * running:  the containers are being compared. A comparison that is asked for meanwhile starts after this one, because
 *           this one may have passed the changed blob.
 * closed:   a running comparison ends after the blob at which it is.
 */
export function createComparison({ catalog, outbox, listContainers, announce, log }: ComparisonOptions) {
  let running: Promise<void> | undefined;
  let isAskedFor = false;
  let isClosed = false;

  function start(): void {
    isAskedFor = true;
    running ??= compareAll()
      .catch((error: unknown) => {
        log(`the containers could not be compared with the events: ${describeFailure(error)}`);
      })
      .finally(() => {
        running = undefined;
        if (isAskedFor && !isClosed) start();
      });
  }

  async function compareAll(): Promise<void> {
    isAskedFor = false;
    for (const container of new Set(listContainers())) {
      await announceCreated(container);
      await announceDeleted(container);
    }
  }

  async function announceCreated(container: string): Promise<void> {
    for (const [index, blob] of catalog.names(container).entries()) {
      if (index % blobsPerTurn === 0) await turn();
      if (isClosed) return;
      const version = catalog.find(container, blob);
      if (version === undefined || outbox.announcedEtag(container, blob) === version.etag) continue;
      announce({ kind: 'created', api: 'PutBlob', ...version });
    }
  }

  async function announceDeleted(container: string): Promise<void> {
    let after = '';
    for (;;) {
      await turn();
      if (isClosed) return;
      const names = outbox.announcedNames(container, after, blobsPerTurn);
      for (const blob of names) {
        if (catalog.find(container, blob) === undefined) {
          announce({ kind: 'deleted', api: 'DeleteBlob', container, blob });
        }
      }
      after = names.at(-1) ?? '';
      if (names.length < blobsPerTurn) return;
    }
  }

  return {
    start,
    async close(): Promise<void> {
      isClosed = true;
      await running;
    },
  };
}
