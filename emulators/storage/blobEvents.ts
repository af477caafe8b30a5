import type { IncomingMessage, ServerResponse } from 'node:http';
import { operations } from './azurite.ts';
import { withoutQuotes } from './blobCatalog.ts';
import type { RequestIds, BlobCatalog, BlobChange } from '../event-grid/blobChange.ts';
import { parsePlace } from './blobNames.ts';

/** The operations that create a blob, with the `api` of their event. */
const creating: Record<string, string> = {
  BlockBlob_Upload: 'PutBlob',
  AppendBlob_Create: 'PutBlob',
  PageBlob_Create: 'PutBlob',
  BlockBlob_PutBlobFromUrl: 'PutBlob',
  BlockBlob_CommitBlockList: 'PutBlockList',
  Blob_StartCopyFromURL: 'CopyBlob',
  Blob_CopyFromURL: 'CopyBlob',
};
/** The operations that may delete blobs without naming them in the URL. */
const sweeping = ['Container_Delete', 'Service_SubmitBatch', 'Container_SubmitBatch'];

/** The properties of a request that Azurite has parsed, which are in the `locals` of the response. */
type AzuriteContext = { operation?: number; account?: string; container?: string; blob?: string };

/**
 * Reads the change that a request to the blob service made. Blocks, snapshots, leases, appended blocks, pages and
 * failed requests are no changes.
 */
export function createChangeReader(catalog: BlobCatalog, account: string) {
  // The ETag before a request that may change only the ETag.
  const etags = new WeakMap<IncomingMessage, string>();

  return {
    /** To be called before Azurite handles a request: the path of the request is not parsed yet. */
    onRequest(request: IncomingMessage): void {
      if (request.method !== 'PUT' || !/[?&]comp=/.test(request.url ?? '')) return;
      const place = parsePlace(request.url ?? '');
      const version = place && catalog.find(place.container, place.blob);
      if (version !== undefined) etags.set(request, version.etag);
    },

    /** To be called when the response is about to leave. Undefined: the request made no change. */
    readChange(request: IncomingMessage, response: ServerResponse, status: number): BlobChange | undefined {
      const { locals } = response as ServerResponse & { locals?: { azurite_blob_context?: AzuriteContext } };
      const context = locals?.azurite_blob_context;
      if (context?.operation === undefined || status < 200 || status > 299) return undefined;
      const operation = operations[context.operation] ?? '';
      if (sweeping.includes(operation)) return { kind: 'swept' };
      const { container, blob } = context;
      if (context.account !== account || container === undefined || !blob) return undefined;
      const now = catalog.find(container, blob);
      const api = creating[operation];
      const ids = readIds(request, response);
      if (api !== undefined) {
        const etag = withoutQuotes(String(response.getHeader('etag') ?? now?.etag ?? ''));
        const version = now ?? { contentType: '', contentLength: 0, blobType: 'BlockBlob' };
        return { ...version, kind: 'created', api, container, blob, etag, ...ids };
      }
      // The blob still exists when only a snapshot was deleted.
      if (operation === 'Blob_Delete') {
        return now === undefined
          ? { kind: 'deleted', api: 'DeleteBlob', container, blob, ...ids }
          : undefined;
      }
      const etagBefore = etags.get(request);
      if (now === undefined || etagBefore === undefined || etagBefore === now.etag) return undefined;
      return { kind: 'touched', container, blob, etagBefore, etag: now.etag };
    },
  };
}

function readIds(request: IncomingMessage, response: ServerResponse): RequestIds {
  const requestId = response.getHeader('x-ms-request-id');
  const clientRequestId = request.headers['x-ms-client-request-id'];
  return {
    ...(typeof requestId === 'string' && { requestId }),
    ...(typeof clientRequestId === 'string' && { clientRequestId }),
  };
}
