/** The current version of a blob. */
export type BlobVersion = {
  container: string;
  blob: string;
  /** Without quotes. */
  etag: string;
  contentType: string;
  contentLength: number;
  blobType: string;
};

/** The blobs of one account, without uncommitted blobs and snapshots. */
export interface BlobCatalog {
  find(container: string, blob: string): BlobVersion | undefined;
  /** The names of the blobs of a container. */
  names(container: string): string[];
}

export type RequestIds = { requestId?: string; clientRequestId?: string };

/** A change for which there is an event. `api`: the operation, as the event names it. */
export type Announceable =
  | ({ kind: 'created'; api: string } & BlobVersion & RequestIds)
  | ({ kind: 'deleted'; api: string; container: string; blob: string } & RequestIds);

/** The change that a successful request made. */
export type BlobChange =
  | Announceable
  /** The ETag of the blob changed, its content did not. */
  | { kind: 'touched'; container: string; blob: string; etagBefore: string; etag: string }
  /** The request may have deleted blobs that it does not name. */
  | { kind: 'swept' };
