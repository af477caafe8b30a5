import type { DequeuedMessageItem } from '@azure/storage-queue';
import { z } from 'zod';

const schema = z.object({ function: z.string(), container: z.string(), blob: z.string() });

/** A message of the host's own queue: the function that is to run, and the blob on which it runs. */
export type BlobMessage = z.output<typeof schema>;

export function toMessageText(message: BlobMessage): string {
  return encode(message);
}

/** The message of the poison queue, in the form of the real host. */
export function toPoisonText({ function: name, container, blob }: BlobMessage): string {
  return encode({
    Type: 'BlobTrigger',
    FunctionId: `Host.Functions.${name}`,
    BlobType: 'BlockBlob',
    ContainerName: container,
    BlobName: blob,
    ETag: '',
  });
}

/** Undefined when the text is not a message of this host. */
export function parseBlobMessage({ messageText }: DequeuedMessageItem): BlobMessage | undefined {
  try {
    return schema.parse(JSON.parse(Buffer.from(messageText, 'base64').toString('utf8')));
  } catch {
    return undefined;
  }
}

function encode(content: object): string {
  return Buffer.from(JSON.stringify(content)).toString('base64');
}
