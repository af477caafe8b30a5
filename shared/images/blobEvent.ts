import { BlobServiceClient } from '@azure/storage-blob';
import { z } from 'zod';
import { isImagePath } from './imagePath.ts';

const blobEvent = z.object({
  topic: z.string().optional(),
  subject: z.string().regex(/^\/blobServices\/default\/containers\/[^/]+\/blobs\/./s),
  data: z.object({ url: z.url().optional().catch(undefined) }).optional(),
});

/**
 * Returns the image path (container first) of an Event Grid event. Returns undefined for a blob of another container,
 * and for a blob of a storage account other than `account` if the topic or the URL of the event names the account.
 * @throws Error when the event is not an event of a blob
 */
export function parseEventPath(event: unknown, account: string): string | undefined {
  const { topic = '', subject, data } = blobEvent.parse(event);
  const [, named] = /\/storageAccounts\/([^/]+)/i.exec(topic) ?? [];
  const accounts = [named, data?.url === undefined ? '' : new BlobServiceClient(data.url).accountName];
  const isElsewhere = accounts.some((name = '') => name !== '' && name !== account);
  const path = subject.replace(/^\/blobServices\/default\/containers\/([^/]+)\/blobs\//, '$1/');
  return isElsewhere || !isImagePath(path) ? undefined : path;
}
