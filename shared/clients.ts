import type { TokenCredential } from '@azure/identity';
import { TableClient, type TableServiceClientOptions } from '@azure/data-tables';
import { ServiceBusClient } from '@azure/service-bus';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { createServiceBus, type ServiceBus } from './messages/serviceBus.ts';
import { connections } from './resources.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The clients of Azure's services, by connection string or by identity. */
export type Clients = {
  blobs: BlobServiceClient;
  queues: QueueServiceClient;
  table(name: string): TableClient;
  serviceBus: ServiceBus;
};

// Short enough to leave time for the message's lock, and bounded.
const storageRetries = {
  retryOptions: { maxTries: 4, tryTimeoutInMs: 5_000, retryDelayInMs: 200, maxRetryDelayInMs: 5_000 },
};
/** A try that is not answered by then is over, and the next one begins. */
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
 * Connects to storage and Service Bus as the settings say, in the form that bindings use: `NAME` is a connection
 * string, or `NAME__…` name the services for an identity.
 * @throws Error that says which setting is missing
 */
export function connect(env: Environment, identity: TokenCredential): Clients {
  const storage = env[connections.storage];
  if (storage !== undefined && storage !== '') {
    const insecure = storage.includes('http://') ? { allowInsecureConnection: true } : {};
    return {
      blobs: BlobServiceClient.fromConnectionString(storage, storageRetries),
      queues: QueueServiceClient.fromConnectionString(storage, storageRetries),
      table: (name) => TableClient.fromConnectionString(storage, name, { ...tableRetries, ...insecure }),
      serviceBus: createServiceBus(() => serviceBusOf(env, identity)),
    };
  }
  const tables = required(env, `${connections.storage}__tableServiceUri`);
  return {
    blobs: new BlobServiceClient(
      required(env, `${connections.storage}__blobServiceUri`),
      identity,
      storageRetries,
    ),
    queues: new QueueServiceClient(
      required(env, `${connections.storage}__queueServiceUri`),
      identity,
      storageRetries,
    ),
    table: (name) => new TableClient(tables, name, identity, tableRetries),
    serviceBus: createServiceBus(() => serviceBusOf(env, identity)),
  };
}

function serviceBusOf(env: Environment, identity: TokenCredential): ServiceBusClient {
  const text = env[connections.serviceBus];
  if (text !== undefined && text !== '') return new ServiceBusClient(text, serviceBusRetries);
  const host = required(env, `${connections.serviceBus}__fullyQualifiedNamespace`);
  return new ServiceBusClient(host, identity, serviceBusRetries);
}

function required(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined || value === '') {
    throw new Error(`Settings: ${name} is not set, nor the connection string ${name.split('__', 1)[0]}.`);
  }
  return value;
}
