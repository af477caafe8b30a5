import { z } from 'zod';
import { pageOf, type ResyncOptions } from './options.ts';

/** The client of the queue has no limit of its own on a connection that looks open and is dead. */
const queueCallMs = 10_000;
const inTime = (): AbortSignal => AbortSignal.timeout(queueCallMs);

const poisonMessage = z.object({ ContainerName: z.string(), BlobName: z.string() });

type Options = Pick<ResyncOptions, 'poison' | 'imageReconciler' | 'log'>;

/** Fails images whose blob trigger failed five times: the Functions host leaves a message in the poison queue. */
export async function failPoisonedImages({ poison, imageReconciler, log }: Options): Promise<void> {
  if (!(await poison.exists({ abortSignal: inTime() }))) return;
  const { receivedMessageItems } = await poison.receiveMessages({
    numberOfMessages: pageOf.poison,
    abortSignal: inTime(),
  });
  for (const message of receivedMessageItems) {
    const path = parsePath(message.messageText);
    if (path === undefined) log.error('a message of the poison queue cannot be read and is dropped');
    else await imageReconciler.markPoisoned(path);
    await poison.deleteMessage(message.messageId, message.popReceipt, { abortSignal: inTime() });
  }
}

/** The Functions host encodes the text of its queue messages in base64, other senders may not. */
function parsePath(text: string): string | undefined {
  for (const candidate of [text, Buffer.from(text, 'base64').toString('utf8')]) {
    try {
      const { ContainerName, BlobName } = poisonMessage.parse(JSON.parse(candidate));
      return `${ContainerName}/${BlobName}`;
    } catch {
      continue;
    }
  }
  return undefined;
}
