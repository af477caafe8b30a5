import { randomUUID } from 'node:crypto';
import type { Announceable } from './blobChange.ts';

/**
 * Converts a change to an event in the Event Grid schema. `sequencer` grows with each event, and is padded, so that the
 * order of two events of a blob is the order of their texts.
 */
export function toEventGridEvent(
  change: Announceable,
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
 * Encodes the name of a blob as the path of a URL. Slashes are encoded only in a name with a segment `.` or `..`, which
 * a URL parser would remove together with a slash.
 */
export function encodeBlobName(blob: string): string {
  const segments = blob.split('/');
  const folds = segments.some((segment) => segment === '.' || segment === '..');
  return segments.map(encodeURIComponent).join(folds ? '%2F' : '/');
}
