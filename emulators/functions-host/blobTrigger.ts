import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { describeFailure } from '../common/failureText.ts';
import type { RegisteredFunction, TypedData } from './core.ts';
import { blobCreated, eventsIn, validationCodeOf } from './eventGrid.ts';
import { triggerOf, type Invoke } from './invoke.ts';
import { renewVisibility } from './messageVisibility.ts';
import { BlobServiceClient, QueueServiceClient, RestError } from './storageClients.ts';

/**
 * Blob triggers with `source: EventGrid`, as the real host runs them: the webhook stores what it is told in a queue
 * of the host before it answers, so that a killed host loses nothing; a listener takes it from there, looks at the
 * blob again, and after so many failures puts it into the poison queue.
 */
export type BlobTriggersOptions = {
  server: FastifyInstance;
  functions: RegisteredFunction[];
  connectionOf: (name: string) => string;
  hostStorage: string;
  hostId: string;
  maxDegreeOfParallelism: number;
  poisonBlobThreshold: number;
  invoke: Invoke;
  onError: (message: string) => void;
};

const work = z.object({ function: z.string(), container: z.string(), blob: z.string() });
type Work = z.output<typeof work>;

/** A message of a killed host comes back after this; a running one is renewed well before. */
const visibilitySeconds = 10;
const idlePollMs = 100;
const longestIdlePollMs = 1_000;

/** A connection that looks open and is dead costs a try of the message, not the trigger. */
const readBlobMs = 10_000;

export const poisonQueueName = 'webjobs-blobtrigger-poison';

export async function listenToBlobs(options: BlobTriggersOptions): Promise<{ close(): Promise<void> }> {
  const { server, functions, hostStorage, hostId } = options;
  const queues = QueueServiceClient.fromConnectionString(hostStorage);
  const queue = queues.getQueueClient(`azure-webjobs-blobtrigger-${hostId}`);
  const poison = queues.getQueueClient(poisonQueueName);
  const byName = new Map(functions.map((registered) => [registered.metadata.name, registered]));
  let arrived = (): void => undefined;
  await queue.createIfNotExists();
  await poison.createIfNotExists();

  server.post('/runtime/webhooks/blobs', async (request, reply): Promise<FastifyReply> => {
    const { functionName = '' } = request.query as { functionName?: string };
    const registered = byName.get(functionName.replace(/^Host\.Functions\./, ''));
    if (registered === undefined) return reply.code(404).send();
    const events = eventsIn(request.body);
    if (events === undefined) return reply.code(400).send();
    const validationCode = validationCodeOf(events);
    if (validationCode !== undefined) return reply.send({ validationResponse: validationCode });
    for (const event of events) {
      const place = blobCreated(event);
      if (place === undefined) continue;
      const item: Work = { function: registered.metadata.name, ...place };
      await queue.sendMessage(Buffer.from(JSON.stringify(item)).toString('base64'));
    }
    arrived();
    return reply.code(202).send();
  });

  const stop = new AbortController();
  const running = new Set<Promise<void>>();
  const listening = listen();

  async function listen(): Promise<void> {
    let pause = idlePollMs;
    while (!stop.signal.aborted) {
      const free = options.maxDegreeOfParallelism - running.size;
      if (free === 0) {
        await Promise.race(running);
        continue;
      }
      const messages = await receive(queue, Math.min(free, 32));
      for (const message of messages) {
        const done = handle(message).finally(() => running.delete(done));
        running.add(done);
      }
      pause = messages.length > 0 ? idlePollMs : Math.min(pause * 2, longestIdlePollMs);
      if (messages.length === 0) await untilArrival(pause);
    }
  }

  async function receive(from: QueueClient, numberOfMessages: number): Promise<DequeuedMessageItem[]> {
    try {
      const answer = await from.receiveMessages({ numberOfMessages, visibilityTimeout: visibilitySeconds });
      return answer.receivedMessageItems;
    } catch (error) {
      if (!stop.signal.aborted) options.onError(`the blob queue cannot be read: ${sayFailure(error)}`);
      return [];
    }
  }

  async function untilArrival(pauseMs: number): Promise<void> {
    const wake = new AbortController();
    arrived = () => wake.abort();
    const signal = AbortSignal.any([stop.signal, wake.signal]);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }

  async function handle(message: DequeuedMessageItem): Promise<void> {
    const item = readWork(message);
    if (item === undefined) {
      options.onError('a message of the blob queue cannot be read and is dropped');
      await queue
        .deleteMessage(message.messageId, message.popReceipt)
        .catch((error: unknown) => options.onError(`a blob message cannot be deleted: ${sayFailure(error)}`));
      return;
    }
    const endRenewal = renewVisibility(message, {
      queue,
      visibilitySeconds,
      onError: (error) => options.onError(`a blob message cannot be renewed: ${sayFailure(error)}`),
    });
    const registered = byName.get(item.function);
    const succeeded = await (registered === undefined ? Promise.resolve() : runOnBlob(registered, item)).then(
      () => true,
      (error: unknown) => {
        if (error instanceof RestError || isTimeout(error))
          options.onError(`a blob cannot be read: ${sayFailure(error)}`);
        return false;
      },
    );
    const popReceipt = await endRenewal();
    try {
      if (succeeded) await queue.deleteMessage(message.messageId, popReceipt);
      else await setBack(message, popReceipt, item);
    } catch (error) {
      options.onError(`a blob message is left to its visibility timeout: ${sayFailure(error)}`);
    }
  }

  async function setBack(message: DequeuedMessageItem, popReceipt: string, item: Work): Promise<void> {
    if (message.dequeueCount < options.poisonBlobThreshold) {
      await queue.updateMessage(message.messageId, popReceipt, undefined, message.dequeueCount);
      return;
    }
    const content = {
      Type: 'BlobTrigger',
      FunctionId: `Host.Functions.${item.function}`,
      BlobType: 'BlockBlob',
      ContainerName: item.container,
      BlobName: item.blob,
      ETag: '',
    };
    await poison.sendMessage(Buffer.from(JSON.stringify(content)).toString('base64'));
    await queue.deleteMessage(message.messageId, popReceipt);
  }

  async function runOnBlob(registered: RegisteredFunction, { container, blob }: Work): Promise<void> {
    const { binding } = triggerOf(registered.metadata.bindings);
    const service = BlobServiceClient.fromConnectionString(
      options.connectionOf(String(binding['connection'])),
    );
    const abortSignal = AbortSignal.timeout(readBlobMs);
    const client = service.getContainerClient(container).getBlobClient(blob);
    let bytes: Buffer;
    let properties: Awaited<ReturnType<typeof client.getProperties>>;
    try {
      properties = await client.getProperties({ abortSignal });
      const { readableStreamBody } = await client.download(undefined, undefined, { abortSignal });
      bytes = readableStreamBody === undefined ? Buffer.alloc(0) : await buffer(readableStreamBody);
    } catch (error) {
      // A blob that is gone by now is dropped, as the real host does.
      if (error instanceof RestError && error.statusCode === 404) return;
      throw error;
    }
    const captured = captures(String(binding['path']), `${container}/${blob}`);
    const triggerMetadata: Record<string, TypedData> = {
      BlobTrigger: { string: `${container}/${blob}` },
      Uri: { json: JSON.stringify(client.url) },
      Properties: {
        json: JSON.stringify({
          LastModified: properties.lastModified,
          ContentLength: properties.contentLength,
          ContentType: properties.contentType,
          ETag: properties.etag,
          Metadata: properties.metadata ?? {},
        }),
      },
      Metadata: { json: JSON.stringify(properties.metadata ?? {}) },
      ...Object.fromEntries(Object.entries(captured).map(([name, value]) => [name, { string: value }])),
    };
    await options.invoke(registered, {
      data: { bytes },
      triggerMetadata,
      reason: `New blob detected(EventGrid): ${container}/${blob}`,
      details: { BlobLastModified: properties.lastModified?.toISOString() },
    });
  }

  return {
    async close() {
      stop.abort();
      await listening;
      await Promise.all(running);
    },
  };
}

function readWork({ messageText }: DequeuedMessageItem): Work | undefined {
  try {
    return work.parse(JSON.parse(Buffer.from(messageText, 'base64').toString('utf8')));
  } catch {
    return undefined;
  }
}

/** The values of the `{names}` of a blob path pattern. */
function captures(pattern: string, path: string): Record<string, string> {
  const expression = pattern
    .replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\{(\w+)\}/g, '(?<$1>.*)');
  return { ...new RegExp(`^${expression}$`, 's').exec(path)?.groups };
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function sayFailure(error: unknown): string {
  return isTimeout(error) ? 'no answer in time' : describeFailure(error);
}
