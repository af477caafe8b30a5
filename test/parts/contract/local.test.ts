import { randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { ServiceBusClient } from '@azure/service-bus';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe } from 'vitest';
import { startServiceBus } from '../../../emulators/service-bus/broker.ts';
import { startStorage } from '../../../emulators/storage/storage.ts';
import { createFaceClients } from '../../../shared/face/client.ts';
import { createRateLimiter } from '../../../shared/quota/rateLimiter.ts';
import { startTestFace } from '../face/harness.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { realVision } from '../../helpers/vision.ts';
import { faceContract, type FaceTarget } from './face.ts';
import { serviceBusContract, type BusTarget } from './serviceBus.ts';
import { storageContract, type StorageTarget } from './storage.ts';

/* What is promised of the embedded stack, and what npm run test:azure asks of Azure itself. */

describe('Service Bus', () => {
  let target: ReturnType<BusTarget>;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    const folder = await temporaryFolder();
    const queues = { plain: 'plain', sessions: 'sessions', deduplicated: 'deduplicated' };
    const common = { lockDurationSeconds: 15, maxDeliveryCount: 3, requiresSession: false };
    const broker = await startServiceBus({
      dataDir: folder.path,
      port: 0,
      queues: [
        { ...common, name: queues.plain },
        { ...common, name: queues.sessions, requiresSession: true },
        { ...common, name: queues.deduplicated, duplicateDetectionWindowSeconds: 600 },
      ],
    });
    const client = new ServiceBusClient(broker.ready.connectionString, {
      retryOptions: { timeoutInMs: 50_000, maxRetries: 1 },
    });
    closing.push(() => client.close(), broker.close, folder.remove);
    target = { client, queues };
  });
  afterAll(async () => {
    for (const close of closing) await close();
  });
  serviceBusContract(() => target);
});

describe('storage', () => {
  let target: ReturnType<StorageTarget>;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    const folder = await temporaryFolder();
    const storage = await startStorage({ dataDir: folder.path, containers: ['contract'] });
    const { connectionString } = storage.ready;
    const table = TableClient.fromConnectionString(connectionString, 'contract', {
      allowInsecureConnection: true,
    });
    await table.createTable();
    closing.push(storage.close, folder.remove);
    target = {
      container: BlobServiceClient.fromConnectionString(connectionString).getContainerClient('contract'),
      table,
    };
  });
  afterAll(async () => {
    for (const close of closing) await close();
  });
  storageContract(() => target);
});

describe('Face', () => {
  let target: ReturnType<FaceTarget>;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    const service = await startTestFace({ vision: await realVision() });
    const store = { read: () => Promise.resolve(undefined), write: () => Promise.resolve(undefined) };
    const { background } = createFaceClients({
      endpoint: service.ready.endpoint,
      credential: { key: service.ready.key },
      limiter: createRateLimiter({ quota: [], store }),
      timeoutMs: 60_000,
    });
    closing.push(service.close);
    target = { face: background, group: `contract-${randomUUID().slice(0, 8)}` };
  });
  afterAll(async () => {
    for (const close of closing) await close();
  });
  faceContract(() => target);
});
