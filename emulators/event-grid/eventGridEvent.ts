import { randomUUID } from 'node:crypto';
import type { BlobChange } from './blobChange.ts';

export type EventGridEvent = ReturnType<typeof eventGridEvent>;

/**
 * A change as Event Grid announces it (Event Grid schema). `sequencer` grows with each event; as text, padded, so
 * that two events of a blob can be compared.
 */
export function eventGridEvent(
  change: BlobChange & { kind: 'created' | 'deleted' },
  { account, endpoint, now, sequence }: { account: string; endpoint: string; now: number; sequence: number },
) {
  const { container, blob, kind, api } = change;
  const created = kind === 'created';
  return {
    id: randomUUID(),
    topic: `/subscriptions/local/resourceGroups/local/providers/Microsoft.Storage/storageAccounts/${account}`,
    subject: `/blobServices/default/containers/${container}/blobs/${blob}`,
    eventType: created ? 'Microsoft.Storage.BlobCreated' : 'Microsoft.Storage.BlobDeleted',
    eventTime: new Date(now).toISOString(),
    dataVersion: '',
    metadataVersion: '1',
    data: {
      api,
      clientRequestId: change.clientRequestId ?? randomUUID(),
      requestId: change.requestId ?? randomUUID(),
      eTag: created ? change.etag : '',
      contentType: created ? change.contentType : '',
      contentLength: created ? change.contentLength : 0,
      blobType: created ? change.blobType : 'BlockBlob',
      url: `${endpoint}/${container}/${encodeBlobName(blob)}`,
      sequencer: sequence.toString(16).padStart(32, '0'),
    },
  };
}

/**
 * A blob's name as the path of a URL. Slashes stay as they are, unless a URL parser would fold the segments between
 * them (`.` and `..`, however they are written).
 */
export function encodeBlobName(blob: string): string {
  const segments = blob.split('/');
  const folds = segments.some((segment) => segment === '.' || segment === '..');
  return segments.map(encodeURIComponent).join(folds ? '%2F' : '/');
}
