import { buffer } from 'node:stream/consumers';
import { type BlobServiceClient, type ContainerClient, RestError } from '@azure/storage-blob';
import { RollcallError } from '../errors/errors.ts';
import { containers } from '../config/resources.ts';

/**
 * A version of a blob: its ETag, its size, and when it was written or touched, by the clock of the storage account in
 * whole seconds (milliseconds since 1970).
 */
export type ImageVersion = { etag: string; bytes: number; writtenAt: number };

export type ListedImage = ImageVersion & { image: string };

export type ImageStore = ReturnType<typeof createImageStore>;

/** The client has no time limit of its own: on a connection that looks open and is dead it would wait for ever. */
const askMs = 5_000;
const transferMs = 15_000;
const triesAtMost = 3;

/** The two containers, which are the truth about what pictures there are. Paths begin with the container. */
export function createImageStore(blobs: BlobServiceClient) {
  const clientOf = (image: string) => {
    const slash = image.indexOf('/');
    return blobs.getContainerClient(image.slice(0, slash)).getBlobClient(image.slice(slash + 1));
  };

  return {
    /** What lies at this path now; undefined when nothing does. */
    async version(image: string): Promise<ImageVersion | undefined> {
      try {
        const properties = await within(askMs, (abortSignal) =>
          clientOf(image).getProperties({ abortSignal }),
        );
        return {
          etag: properties.etag ?? '',
          bytes: properties.contentLength ?? 0,
          writtenAt: properties.lastModified?.getTime() ?? 0,
        };
      } catch (error) {
        if (isStatus(error, 404)) return undefined;
        throw error;
      }
    },

    /** The bytes of exactly this version; or `gone`, `changed` or `archived`: why they cannot be had. */
    async read(image: string, etag: string): Promise<Buffer | 'gone' | 'changed' | 'archived'> {
      try {
        return await within(transferMs, async (abortSignal) => {
          // Not downloadToBuffer: it asks for a range, which an empty blob does not have.
          const { readableStreamBody } = await clientOf(image).download(0, undefined, {
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
    },

    /** What the clock of the storage account says, in whole seconds (milliseconds since 1970). */
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
      const client = clientOf(image).getBlockBlobClient();
      await within(transferMs, (abortSignal) =>
        client.upload(bytes, bytes.length, {
          blobHTTPHeaders: { blobContentType: contentType, blobContentMD5: md5 },
          abortSignal,
        }),
      );
    },

    /** Deletes exactly this version, or any. False when it was gone already or is another. */
    async remove(image: string, etag?: string): Promise<boolean> {
      try {
        await within(askMs, (abortSignal) =>
          clientOf(image).delete({
            ...(etag === undefined ? {} : { conditions: { ifMatch: etag } }),
            deleteSnapshots: 'include',
            abortSignal,
          }),
        );
        return true;
      } catch (error) {
        if (isStatus(error, 404) || isStatus(error, 412)) return false;
        throw error;
      }
    },

    /** A slice of a container in the order of names; `next` continues it. */
    async list(
      container: string,
      top: number,
      from?: string,
      prefix = '',
    ): Promise<{ images: ListedImage[]; next?: string }> {
      const client: ContainerClient = blobs.getContainerClient(container);
      const page = await within(transferMs, async (abortSignal) => {
        const pages = client.listBlobsFlat({ abortSignal, prefix }).byPage({
          maxPageSize: top,
          ...(from === undefined ? {} : { continuationToken: from }),
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
    },
  };
}

/** Reads, each try with a limit, so that a dead connection costs one try. */
async function within<T>(limitMs: number, read: (signal: AbortSignal) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const signal = AbortSignal.timeout(limitMs);
    try {
      return await read(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      if (tries === triesAtMost) throw new RollcallError('storage_unavailable', undefined, { cause: error });
    }
  }
}

/** Listings give ETags without the quotes that every other answer has. */
function quoted(etag: string): string {
  return etag.startsWith('"') ? etag : `"${etag}"`;
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof RestError && error.statusCode === status;
}
