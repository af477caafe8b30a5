import { RestError } from '@azure/storage-blob';
import { undeliveredEvents } from '../../config/resources.ts';
import { parseEventPath } from '../../images/blobEvent.ts';
import type { ListedImage } from '../../images/imageStore.ts';
import { pageOf, type ResyncOptions } from './options.ts';

type Options = Pick<ResyncOptions, 'imageStore' | 'imageReconciler' | 'account' | 'log'>;

/**
 * Reconciles the blobs whose events Event Grid gave up: it writes such events into a container of dead letters. An app
 * that was just starting may refuse the webhook with 401 or 403, which Event Grid does not retry; the image then waits
 * for the next resync instead of for the listing of its container.
 */
export async function reconcileUndelivered(options: Options): Promise<void> {
  for (const blob of await listUndelivered(options)) {
    const { imageStore, imageReconciler } = options;
    for (const path of await readPaths(options, blob)) await imageReconciler.enqueue(path);
    await imageStore.remove(blob.image, blob.etag);
  }
}

async function listUndelivered({ imageStore }: Options): Promise<readonly ListedImage[]> {
  try {
    return (await imageStore.list(undeliveredEvents, pageOf.undelivered)).images;
  } catch (error) {
    // Only a deployment with Event Grid has the container.
    if (error instanceof RestError && error.statusCode === 404) return [];
    throw error;
  }
}

/** The paths of images that the events of one dead letter name; a dead letter is a JSON array of events. */
async function readPaths({ imageStore, account, log }: Options, blob: ListedImage): Promise<string[]> {
  const bytes = await imageStore.read(blob.image, blob.etag);
  if (typeof bytes === 'string') return [];
  try {
    const events: unknown = JSON.parse(bytes.toString('utf8'));
    const paths = (Array.isArray(events) ? events : [events]).map((event) => parseEventPath(event, account));
    return [...new Set(paths)].filter((path) => path !== undefined);
  } catch (error) {
    // The listing of the containers finds the image all the same.
    log.error('a dead letter of Event Grid cannot be read and is deleted', error);
    return [];
  }
}
