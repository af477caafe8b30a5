import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { describeFailure } from '../common/failureText.ts';
import { fetchBlobInput } from './blobInput.ts';
import { parseBlobMessage, toMessageText, toPoisonText, type BlobMessage } from './blobMessage.ts';
import type { RegisteredFunction } from './core.ts';
import { blobCreated, parseEvents, readValidationCode } from './eventGrid.ts';
import { findTrigger, type Invoke } from './invoke.ts';
import { renewVisibility } from './messageVisibility.ts';
import { listenToStorageQueue } from './storageQueueListener.ts';
import { QueueServiceClient, RestError } from './storageClients.ts';

/*
 * Blob triggers with `source: EventGrid`, as the real host runs them.
 *
 * queued:    the webhook stores the event as a message in a queue of the host before the webhook answers, so that a
 *            killed host loses nothing.
 * running:   the listener received the message and renews its visibility timeout. The function runs on the blob as
 *            the blob is now; a blob that is gone by now is dropped.
 * deleted:   the function succeeded.
 * queued again: the function failed, or the host died. The message is received again after its visibility timeout.
 * poisoned:  the function failed `poisonBlobThreshold` times; the message moves to the poison queue.
 */

export type BlobTriggersOptions = {
  server: FastifyInstance;
  functions: RegisteredFunction[];
  readConnection: (name: string) => string;
  hostStorage: string;
  hostId: string;
  maxDegreeOfParallelism: number;
  poisonBlobThreshold: number;
  invoke: Invoke;
  onError: (message: string) => void;
};

type BlobTriggers = BlobTriggersOptions & {
  byName: ReadonlyMap<string, RegisteredFunction>;
  queue: QueueClient;
  poison: QueueClient;
};

/** After this time the message of a killed host is received again. */
const visibilitySeconds = 10;

const poisonQueueName = 'webjobs-blobtrigger-poison';

export async function listenToBlobs(options: BlobTriggersOptions): Promise<{ close(): Promise<void> }> {
  const queues = QueueServiceClient.fromConnectionString(options.hostStorage);
  const triggers: BlobTriggers = {
    ...options,
    byName: new Map(options.functions.map((registered) => [registered.metadata.name, registered])),
    queue: queues.getQueueClient(`azure-webjobs-blobtrigger-${options.hostId}`),
    poison: queues.getQueueClient(poisonQueueName),
  };
  await triggers.queue.createIfNotExists();
  await triggers.poison.createIfNotExists();
  const listener = listenToStorageQueue({
    queue: triggers.queue,
    visibilitySeconds,
    concurrency: options.maxDegreeOfParallelism,
    handle: (message) => handleMessage(triggers, message),
    onError: (error) => options.onError(`the blob queue cannot be read: ${describe(error)}`),
  });
  addWebhook(triggers, listener.wake);
  return listener;
}

function addWebhook({ server, byName, queue }: BlobTriggers, onQueued: () => void): void {
  server.post('/runtime/webhooks/blobs', async (request, reply): Promise<FastifyReply> => {
    const { functionName = '' } = request.query as { functionName?: string };
    const registered = byName.get(functionName.replace(/^Host\.Functions\./, ''));
    if (registered === undefined) return reply.code(404).send();
    const events = parseEvents(request.body);
    if (events === undefined) return reply.code(400).send();
    const validationCode = readValidationCode(events);
    if (validationCode !== undefined) return reply.send({ validationResponse: validationCode });
    for (const event of events) {
      const place = blobCreated(event);
      if (place === undefined) continue;
      await queue.sendMessage(toMessageText({ function: registered.metadata.name, ...place }));
    }
    onQueued();
    return reply.code(202).send();
  });
}

async function handleMessage(triggers: BlobTriggers, message: DequeuedMessageItem): Promise<void> {
  const { queue, onError } = triggers;
  const content = parseBlobMessage(message);
  if (content === undefined) {
    onError('a message of the blob queue cannot be read and is dropped');
    await queue
      .deleteMessage(message.messageId, message.popReceipt)
      .catch((error: unknown) => onError(`a blob message cannot be deleted: ${describe(error)}`));
    return;
  }
  const endRenewal = renewVisibility(message, {
    queue,
    visibilitySeconds,
    onError: (error) => onError(`a blob message cannot be renewed: ${describe(error)}`),
  });
  const succeeded = await runFunction(triggers, content);
  const popReceipt = await endRenewal();
  try {
    if (succeeded) await queue.deleteMessage(message.messageId, popReceipt);
    else await retryOrPoison(triggers, { ...message, popReceipt }, content);
  } catch (error) {
    onError(`a blob message is left to its visibility timeout: ${describe(error)}`);
  }
}

/** False when the blob could not be read or the function failed. A function that no longer exists has succeeded. */
async function runFunction(
  { byName, readConnection, invoke, onError }: BlobTriggers,
  { function: name, container, blob }: BlobMessage,
): Promise<boolean> {
  const registered = byName.get(name);
  if (registered === undefined) return true;
  const { binding } = findTrigger(registered.metadata.bindings);
  try {
    const connectionString = readConnection(String(binding['connection']));
    const pattern = String(binding['path']);
    const input = await fetchBlobInput({ connectionString, container, blob, pattern });
    if (input !== undefined) await invoke(registered, input);
    return true;
  } catch (error) {
    // The failure of a function is logged with its invocation.
    if (error instanceof RestError || isTimeout(error)) onError(`a blob cannot be read: ${describe(error)}`);
    return false;
  }
}

/** The pause before a retry grows by a second with each failure. */
async function retryOrPoison(
  { queue, poison, poisonBlobThreshold }: BlobTriggers,
  { messageId, popReceipt, dequeueCount }: DequeuedMessageItem,
  content: BlobMessage,
): Promise<void> {
  if (dequeueCount < poisonBlobThreshold) {
    await queue.updateMessage(messageId, popReceipt, undefined, dequeueCount);
    return;
  }
  await poison.sendMessage(toPoisonText(content));
  await queue.deleteMessage(messageId, popReceipt);
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function describe(error: unknown): string {
  return isTimeout(error) ? 'no answer in time' : describeFailure(error);
}
