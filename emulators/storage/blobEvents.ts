import type { IncomingMessage, ServerResponse } from 'node:http';
import { operations } from './azurite.ts';
import { withoutQuotes } from './blobCatalog.ts';
import type { Asked, BlobCatalog, BlobChange } from '../event-grid/blobChange.ts';
import { placeOf } from './blobNames.ts';

const creating: Record<string, string> = {
  BlockBlob_Upload: 'PutBlob',
  AppendBlob_Create: 'PutBlob',
  PageBlob_Create: 'PutBlob',
  BlockBlob_PutBlobFromUrl: 'PutBlob',
  BlockBlob_CommitBlockList: 'PutBlockList',
  Blob_StartCopyFromURL: 'CopyBlob',
  Blob_CopyFromURL: 'CopyBlob',
};
const sweeping = ['Container_Delete', 'Service_SubmitBatch', 'Container_SubmitBatch'];

/** What Azurite found out about a request of its blob service; it hangs on the answer. */
type AzuriteContext = { operation?: number; account?: string; container?: string; blob?: string };

/**
 * Reads what a request of the blob service did, when its answer is about to leave: blocks, snapshots, leases,
 * appended blocks, pages and what failed are no events.
 */
export function blobChanges(catalog: BlobCatalog, account: string) {
  // The version that a request found, for those that may change the ETag alone.
  const found = new WeakMap<IncomingMessage, string>();

  return {
    /** When a request arrives. Azurite has not looked at it yet, so its path is read here. */
    arrived(request: IncomingMessage): void {
      if (request.method !== 'PUT' || !/[?&]comp=/.test(request.url ?? '')) return;
      const place = placeOf(request.url ?? '');
      const version = place && catalog.find(place.container, place.blob);
      if (version !== undefined) found.set(request, version.etag);
    },

    /** When its answer is about to leave. */
    answered(request: IncomingMessage, response: ServerResponse, status: number): BlobChange | undefined {
      const { locals } = response as ServerResponse & { locals?: { azurite_blob_context?: AzuriteContext } };
      const context = locals?.azurite_blob_context;
      if (context?.operation === undefined || status < 200 || status > 299) return undefined;
      const operation = operations[context.operation] ?? '';
      if (sweeping.includes(operation)) return { kind: 'swept' };
      const { container, blob } = context;
      if (context.account !== account || container === undefined || !blob) return undefined;
      const now = catalog.find(container, blob);
      const api = creating[operation];
      const asked = askedOf(request, response);
      if (api !== undefined) {
        const etag = withoutQuotes(String(response.getHeader('etag') ?? now?.etag ?? ''));
        const version = now ?? { contentType: '', contentLength: 0, blobType: 'BlockBlob' };
        return { ...version, kind: 'created', api, container, blob, etag, ...asked };
      }
      // A snapshot may have been what was deleted: then the blob is still there.
      if (operation === 'Blob_Delete') {
        return now === undefined
          ? { kind: 'deleted', api: 'DeleteBlob', container, blob, ...asked }
          : undefined;
      }
      const etagBefore = found.get(request);
      if (now === undefined || etagBefore === undefined || etagBefore === now.etag) return undefined;
      return { kind: 'touched', container, blob, etagBefore, etag: now.etag };
    },
  };
}

function askedOf(request: IncomingMessage, response: ServerResponse): Asked {
  const requestId = response.getHeader('x-ms-request-id');
  const clientRequestId = request.headers['x-ms-client-request-id'];
  return {
    ...(typeof requestId === 'string' ? { requestId } : {}),
    ...(typeof clientRequestId === 'string' ? { clientRequestId } : {}),
  };
}
