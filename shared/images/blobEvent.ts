import { BlobServiceClient } from '@azure/storage-blob';
import { z } from 'zod';
import { isImagePath } from './imagePath.ts';

const blobEvent = z.object({
  topic: z.string().optional(),
  subject: z.string().regex(/^\/blobServices\/default\/containers\/[^/]+\/blobs\/./s),
  data: z.object({ url: z.url().optional().catch(undefined) }).optional(),
});

/**
 * The path of the picture that an event of Event Grid speaks of, container first. Undefined for a blob of another
 * container, or of another storage account than this, where the event says so.
 * @throws Error for what is no event of a blob
 */
export function pathOfEvent(event: unknown, account: string): string | undefined {
  const { topic = '', subject, data } = blobEvent.parse(event);
  const [, named] = /\/storageAccounts\/([^/]+)/i.exec(topic) ?? [];
  const accounts = [named, data?.url === undefined ? '' : new BlobServiceClient(data.url).accountName];
  const isElsewhere = accounts.some((name = '') => name !== '' && name !== account);
  const path = subject.replace(/^\/blobServices\/default\/containers\/([^/]+)\/blobs\//, '$1/');
  return isElsewhere || !isImagePath(path) ? undefined : path;
}
