import { buffer } from 'node:stream/consumers';
import { type BlobServiceClient, type ContainerClient, RestError } from '@azure/storage-blob';

/** A version of a blob: its ETag and size. */
export type PhotoVersion = { version: string; bytes: number };

/** `writtenAt`: milliseconds since 1970. */
export type ListedPhoto = PhotoVersion & { image: string; writtenAt: number };

export type PhotoStore = ReturnType<typeof createPhotoStore>;

/** The two containers, which are the truth about what pictures there are. Paths begin with the container. */
export function createPhotoStore(blobs: BlobServiceClient) {
  const clientOf = (image: string) => {
    const slash = image.indexOf('/');
    return blobs.getContainerClient(image.slice(0, slash)).getBlobClient(image.slice(slash + 1));
  };

  return {
    /** What lies at this path now; undefined when nothing does. */
    async version(image: string): Promise<PhotoVersion | undefined> {
      try {
        const properties = await clientOf(image).getProperties();
        return { version: properties.etag ?? '', bytes: properties.contentLength ?? 0 };
      } catch (error) {
        if (isStatus(error, 404)) return undefined;
        throw error;
      }
    },

    /** The bytes of exactly this version; `gone` or `changed` when it is not there any more. */
    async read(image: string, version: string): Promise<Buffer | 'gone' | 'changed'> {
      try {
        // Not downloadToBuffer: it asks for a range, which an empty blob does not have.
        const answer = await clientOf(image).download(0, undefined, {
          conditions: { ifMatch: version },
          maxRetryRequests: 2,
        });
        return answer.readableStreamBody === undefined
          ? Buffer.alloc(0)
          : await buffer(answer.readableStreamBody);
      } catch (error) {
        if (isStatus(error, 404)) return 'gone';
        if (isStatus(error, 412)) return 'changed';
        throw error;
      }
    },

    /** A slice of a container in the order of names; `next` continues it. */
    async list(
      container: string,
      top: number,
      from?: string,
    ): Promise<{ photos: ListedPhoto[]; next?: string }> {
      const client: ContainerClient = blobs.getContainerClient(container);
      const pages = client.listBlobsFlat().byPage({
        maxPageSize: top,
        ...(from === undefined ? {} : { continuationToken: from }),
      });
      for await (const page of pages) {
        const photos = page.segment.blobItems.map((blob) => ({
          image: `${container}/${blob.name}`,
          version: quoted(blob.properties.etag),
          bytes: blob.properties.contentLength ?? 0,
          writtenAt: blob.properties.lastModified.getTime(),
        }));
        const next = page.continuationToken;
        return next === undefined || next === '' ? { photos } : { photos, next };
      }
      return { photos: [] };
    },
  };
}

/** Listings give ETags without the quotes that every other answer has. */
function quoted(etag: string): string {
  return etag.startsWith('"') ? etag : `"${etag}"`;
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof RestError && error.statusCode === status;
}
