import type { LokiDatabase, LokiDocument } from './azurite.ts';
import type { BlobCatalog, BlobVersion } from '../event-grid/blobChange.ts';

/** Reads the blobs of one account from Azurite's memory. */
export function createBlobCatalog(db: LokiDatabase, accountName: string): BlobCatalog {
  const blobs = (): ReturnType<LokiDatabase['getCollection']> => db.getCollection('$BLOBS_COLLECTION$');
  return {
    find(containerName, name) {
      // Loki uses only the index of the first field, and names differ more than accounts and containers.
      return toVersion(blobs()?.findOne({ name, accountName, containerName, snapshot: '' }));
    },
    names(containerName) {
      const documents = blobs()?.find({ containerName, accountName, snapshot: '' }) ?? [];
      return documents.flatMap((document) => toVersion(document)?.blob ?? []);
    },
  };
}

function toVersion(document: LokiDocument | null | undefined): BlobVersion | undefined {
  if (document?.['isCommitted'] !== true) return undefined;
  const properties = document['properties'] as {
    etag: string;
    contentType?: string;
    contentLength?: number;
    blobType?: string;
  };
  return {
    container: String(document['containerName']),
    blob: String(document['name']),
    etag: withoutQuotes(properties.etag),
    contentType: properties.contentType ?? 'application/octet-stream',
    contentLength: properties.contentLength ?? 0,
    blobType: properties.blobType ?? 'BlockBlob',
  };
}

export function withoutQuotes(etag: string): string {
  return etag.replaceAll('"', '');
}
