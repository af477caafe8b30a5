import {
  ServiceBusClient,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
} from '@azure/service-bus';
import { afterAll, beforeAll } from 'vitest';
import { startServiceBus } from '../../../emulators/service-bus/broker.ts';
import type { QueueDescription } from '../../../emulators/service-bus/queue.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

export const plain: QueueDescription = {
  name: 'plain',
  requiresSession: false,
  lockDurationSeconds: 60,
  maxDeliveryCount: 3,
};

export const queues: QueueDescription[] = [
  plain,
  { ...plain, name: 'sessions', requiresSession: true },
  // For what becomes of locks that run out.
  { ...plain, name: 'brief', lockDurationSeconds: 5 },
  { ...plain, name: 'brief-sessions', lockDurationSeconds: 5, requiresSession: true },
  { ...plain, name: 'deduplicated', duplicateDetectionWindowSeconds: 60 },
  { ...plain, name: 'expiring', defaultTimeToLiveSeconds: 1, deadLetteringOnExpiration: true },
];

/**
 * Options of a client that does not wait long before it tries again. The broker answers within the time that it is
 * given: a client's own timer of 60 s, which ends the connection, must not come first.
 */
export const quick = { retryOptions: { retryDelayInMs: 100, maxRetries: 3, timeoutInMs: 50_000 } };

export async function receiveOne(
  receiver: ServiceBusReceiver,
  maxWaitTimeInMs = 60_000,
): Promise<ServiceBusReceivedMessage> {
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs });
  if (message === undefined) throw new Error('no message came');
  return message;
}

export async function isEmpty(receiver: ServiceBusReceiver): Promise<boolean> {
  return (await receiver.receiveMessages(1, { maxWaitTimeInMs: 300 })).length === 0;
}

/** A broker with these queues and a client of it, while the tests of a file run. */
export function useBroker(of: QueueDescription[] = queues): () => ServiceBusClient {
  let client: ServiceBusClient;
  let end: () => Promise<void>;
  beforeAll(async () => {
    const folder = await temporaryFolder();
    const broker = await startServiceBus({ dataDir: folder.path, port: 0, queues: of });
    client = new ServiceBusClient(broker.ready.connectionString, quick);
    end = async () => {
      await client.close();
      await broker.close();
      await folder.remove();
    };
  });
  afterAll(() => end());
  return () => client;
}
