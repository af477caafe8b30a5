import type { TokenCredential } from '@azure/identity';
import { TableClient, type TableServiceClientOptions } from '@azure/data-tables';
import { ServiceBusClient } from '@azure/service-bus';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { createServiceBus, type ServiceBus } from '../messages/serviceBus.ts';
import { connections } from '../config/resources.ts';
import { identitySettings, required, readConnection, type Environment } from '../config/connections.ts';

/** Clients of the Azure services, authenticated by connection string or by identity. */
export type Clients = {
  blobs: BlobServiceClient;
  queues: QueueServiceClient;
  table(name: string): TableClient;
  serviceBus: ServiceBus;
};

// Retries are bounded and short enough to end while the lock of the processed message is held.
const storageRetries = {
  retryOptions: { maxTries: 4, tryTimeoutInMs: 5_000, retryDelayInMs: 200, maxRetryDelayInMs: 5_000 },
};
/** A try that is not answered within this time is aborted, and the next try begins. */
const tableTryMs = 5_000;
const tableRetries: TableServiceClientOptions = {
  retryOptions: { maxRetries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 5_000 },
  additionalPolicies: [
    {
      position: 'perRetry',
      policy: {
        name: 'tryTimeout',
        sendRequest(request, next) {
          request.timeout = tableTryMs;
          return next(request);
        },
      },
    },
  ],
};
const serviceBusRetries = {
  retryOptions: { maxRetries: 4, retryDelayInMs: 250, mode: 0, timeoutInMs: 10_000 },
};

/**
 * Connects to storage and Service Bus by the settings that bindings use: either `NAME` is a connection string, or
 * settings `NAME__…` hold the addresses of the services for access by identity.
 * @throws Error that says which setting is missing
 */
export function connect(env: Environment, identity: TokenCredential): Clients {
  const serviceBus = createServiceBus(() => connectServiceBus(env, identity));
  const storage = readConnection(env, connections.storage);
  if (storage !== undefined) {
    const insecure = storage.includes('http://') ? { allowInsecureConnection: true } : {};
    return {
      blobs: BlobServiceClient.fromConnectionString(storage, storageRetries),
      queues: QueueServiceClient.fromConnectionString(storage, storageRetries),
      table: (name) => TableClient.fromConnectionString(storage, name, { ...tableRetries, ...insecure }),
      serviceBus,
    };
  }
  const tables = required(env, identitySettings.tables);
  return {
    blobs: new BlobServiceClient(required(env, identitySettings.blobs), identity, storageRetries),
    queues: new QueueServiceClient(required(env, identitySettings.queues), identity, storageRetries),
    table: (name) => new TableClient(tables, name, identity, tableRetries),
    serviceBus,
  };
}

function connectServiceBus(env: Environment, identity: TokenCredential): ServiceBusClient {
  const text = readConnection(env, connections.serviceBus);
  return text === undefined
    ? new ServiceBusClient(required(env, identitySettings.serviceBus), identity, serviceBusRetries)
    : new ServiceBusClient(text, serviceBusRetries);
}
