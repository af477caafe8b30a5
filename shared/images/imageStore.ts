import { buffer } from 'node:stream/consumers';
import {
  type BlobClient,
  type BlobServiceClient,
  type ContainerClient,
  RestError,
} from '@azure/storage-blob';
import { RollcallError } from '../errors/errors.ts';
import { containers } from '../config/resources.ts';

/**
 * A version of a blob. `writtenAt` is its Last-Modified time in milliseconds since 1970, by the clock of the storage
 * account, in whole seconds.
 */
export type ImageVersion = { etag: string; bytes: number; writtenAt: number };

export type ListedImage = ImageVersion & { image: string };
export type ImagePage = { images: ListedImage[]; next?: string };

export type ImageStore = ReturnType<typeof createImageStore>;

/** Time limits per try. The storage client has none and would wait for ever on a dead connection that looks open. */
const askMs = 5_000;
const transferMs = 15_000;
const triesAtMost = 3;

/** Access to the two containers, which are the desired state: the images that exist. Paths begin with the container. */
export function createImageStore(blobs: BlobServiceClient) {
  const clientFor = (image: string): BlobClient => {
    const slash = image.indexOf('/');
    return blobs.getContainerClient(image.slice(0, slash)).getBlobClient(image.slice(slash + 1));
  };

  return {
    /** Returns the present version of the blob at a path, or undefined when there is no blob. */
    version: (image: string): Promise<ImageVersion | undefined> => fetchVersion(clientFor(image)),

    /** Reads the bytes of exactly this version. `gone`, `changed` and `archived` say why the bytes cannot be read. */
    read: (image: string, etag: string): Promise<Buffer | 'gone' | 'changed' | 'archived'> =>
      download(clientFor(image), etag),

    /** Returns the time of the storage account in milliseconds since 1970, in whole seconds. */
    async now(): Promise<number> {
      const { date } = await within(askMs, (abortSignal) =>
        blobs.getContainerClient(containers.enroll).getProperties({ abortSignal }),
      );
      if (date === undefined) throw new RollcallError('storage_unavailable');
      return date.getTime();
    },

    async write(
      image: string,
      bytes: Uint8Array,
      { contentType, md5 }: { contentType: string; md5: Uint8Array },
    ): Promise<void> {
      const client = clientFor(image).getBlockBlobClient();
      await within(transferMs, (abortSignal) =>
        client.upload(bytes, bytes.length, {
          blobHTTPHeaders: { blobContentType: contentType, blobContentMD5: md5 },
          abortSignal,
        }),
      );
    },

    /**
     * Deletes the blob if its ETag is `etag`; without `etag`, deletes any version. Returns false when there is no blob
     * or its ETag differs, but true when there is none any more after a try that timed out: that try has deleted it.
     */
    remove: (image: string, etag?: string): Promise<boolean> => remove(clientFor(image), etag),

    /** Lists one page of a container, sorted by name. `next` is the value of `from` for the next page. */
    list: (container: string, top: number, from?: string, prefix = ''): Promise<ImagePage> =>
      listPage(blobs.getContainerClient(container), container, { top, from, prefix }),
  };
}

async function fetchVersion(client: BlobClient): Promise<ImageVersion | undefined> {
  try {
    const properties = await within(askMs, (abortSignal) => client.getProperties({ abortSignal }));
    return {
      etag: properties.etag ?? '',
      bytes: properties.contentLength ?? 0,
      writtenAt: properties.lastModified?.getTime() ?? 0,
    };
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

async function download(client: BlobClient, etag: string): Promise<Buffer | 'gone' | 'changed' | 'archived'> {
  try {
    return await within(transferMs, async (abortSignal) => {
      // downloadToBuffer is not usable: it requests a range, which fails for an empty blob.
      const { readableStreamBody } = await client.download(0, undefined, {
        conditions: { ifMatch: etag },
        maxRetryRequests: 2,
        abortSignal,
      });
      return readableStreamBody === undefined ? Buffer.alloc(0) : await buffer(readableStreamBody);
    });
  } catch (error) {
    if (isStatus(error, 404)) return 'gone';
    if (isStatus(error, 412)) return 'changed';
    if (error instanceof RestError && error.code === 'BlobArchived') return 'archived';
    throw error;
  }
}

async function remove(client: BlobClient, etag: string | undefined): Promise<boolean> {
  let tries = 0;
  try {
    await within(askMs, (abortSignal) => {
      tries += 1;
      return client.delete({
        ...(etag !== undefined && { conditions: { ifMatch: etag } }),
        deleteSnapshots: 'include',
        abortSignal,
      });
    });
    return true;
  } catch (error) {
    if (isStatus(error, 404)) return tries > 1;
    if (isStatus(error, 412)) return false;
    throw error;
  }
}

async function listPage(
  client: ContainerClient,
  container: string,
  { top, from, prefix }: { top: number; from: string | undefined; prefix: string },
): Promise<ImagePage> {
  const page = await within(transferMs, async (abortSignal) => {
    const pages = client.listBlobsFlat({ abortSignal, prefix }).byPage({
      maxPageSize: top,
      ...(from !== undefined && { continuationToken: from }),
    });
    const { value, done } = await pages.next();
    return done === true ? undefined : value;
  });
  if (page === undefined) return { images: [] };
  const images = page.segment.blobItems.map((blob) => ({
    image: `${container}/${blob.name}`,
    etag: quoted(blob.properties.etag),
    bytes: blob.properties.contentLength ?? 0,
    writtenAt: blob.properties.lastModified.getTime(),
  }));
  const next = page.continuationToken;
  return next === undefined || next === '' ? { images } : { images, next };
}

/**
 * Calls `attempt` with a time limit for each try, so that a dead connection costs only one try. Only a timeout is retried.
 * @throws RollcallError storage_unavailable when the last try times out
 */
async function within<T>(limitMs: number, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const signal = AbortSignal.timeout(limitMs);
    try {
      return await attempt(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      if (tries === triesAtMost) throw new RollcallError('storage_unavailable', undefined, { cause: error });
    }
  }
}

/** Adds the quotes of an ETag. A listing returns ETags without the quotes that all other answers contain. */
function quoted(etag: string): string {
  return etag.startsWith('"') ? etag : `"${etag}"`;
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof RestError && error.statusCode === status;
}
