import type { LokiDatabase, LokiDocument } from './azurite.ts';
import type { BlobCatalog, BlobVersion } from '../event-grid/blobChange.ts';

/** The blobs of one account, read from Azurite's memory. */
export function blobCatalog(db: LokiDatabase, accountName: string): BlobCatalog {
  const blobs = (): ReturnType<LokiDatabase['getCollection']> => db.getCollection('$BLOBS_COLLECTION$');
  return {
    find(containerName, name) {
      // Loki uses the index of the first field only.
      return versionOf(blobs()?.findOne({ name, accountName, containerName, snapshot: '' }));
    },
    names(containerName) {
      const documents = blobs()?.find({ containerName, accountName, snapshot: '' }) ?? [];
      return documents.flatMap((document) => versionOf(document)?.blob ?? []);
    },
  };
}

function versionOf(document: LokiDocument | null | undefined): BlobVersion | undefined {
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
