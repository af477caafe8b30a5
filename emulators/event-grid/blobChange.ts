/** A blob as it lies in its container now. */
export type BlobVersion = {
  container: string;
  blob: string;
  /** Without quotes. */
  etag: string;
  contentType: string;
  contentLength: number;
  blobType: string;
};

/** The blobs of one account: committed ones, no snapshots. */
export interface BlobCatalog {
  find(container: string, blob: string): BlobVersion | undefined;
  /** The names of the blobs of a container. */
  names(container: string): string[];
}

export type Asked = { requestId?: string; clientRequestId?: string };

/** What a successful request did to the blobs of a container, as far as events are concerned. */
export type BlobChange =
  | ({ kind: 'created'; api: string } & BlobVersion & Asked)
  | ({ kind: 'deleted'; api: string; container: string; blob: string } & Asked)
  /** The blob's ETag changed, its content did not. */
  | { kind: 'touched'; container: string; blob: string; etagBefore: string; etag: string }
  /** Blobs may be gone that no request named. */
  | { kind: 'swept' };
