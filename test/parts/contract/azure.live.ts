import { randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { DefaultAzureCredential } from '@azure/identity';
import { ServiceBusAdministrationClient, ServiceBusClient } from '@azure/service-bus';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe } from 'vitest';
import { createFaceClients } from '../../../shared/face/client.ts';
import { createRateLimiter, type ScheduleStore } from '../../../shared/quota/rateLimiter.ts';
import type { Schedule } from '../../../shared/quota/schedule.ts';
import { faceContract, type FaceTarget } from './face.ts';
import { serviceBusContract, type BusTarget } from './serviceBus.ts';
import { storageContract, type StorageTarget } from './storage.ts';

/*
 * The same suites against Azure; `npm run test:azure` says which are run. What holds a "=" is a connection string,
 * anything else is the name of a host, for your own sign-in. All names are made up, and deleted in the end.
 */

const { AZURE_TEST_SERVICEBUS, AZURE_TEST_STORAGE, AZURE_TEST_FACE_ENDPOINT, AZURE_TEST_FACE_KEY } =
  process.env;
const identity = new DefaultAzureCredential();
const name = `contract${randomUUID().slice(0, 8)}`;

if (AZURE_TEST_SERVICEBUS !== undefined) {
  const where = AZURE_TEST_SERVICEBUS;
  describe('Service Bus', () => {
    let target: ReturnType<BusTarget>;
    const admin = where.includes('=')
      ? new ServiceBusAdministrationClient(where)
      : new ServiceBusAdministrationClient(where, identity);
    const queues = { plain: `${name}-p`, sessions: `${name}-s`, deduplicated: `${name}-d` };
    beforeAll(async () => {
      const common = { lockDuration: 'PT15S', maxDeliveryCount: 3 };
      await admin.createQueue(queues.plain, common);
      await admin.createQueue(queues.sessions, { ...common, requiresSession: true });
      await admin.createQueue(queues.deduplicated, {
        ...common,
        requiresDuplicateDetection: true,
        duplicateDetectionHistoryTimeWindow: 'PT10M',
      });
      const client = where.includes('=')
        ? new ServiceBusClient(where)
        : new ServiceBusClient(where, identity);
      target = { client, queues };
    });
    afterAll(async () => {
      await target.client.close();
      for (const queue of Object.values(queues)) await admin.deleteQueue(queue);
    });
    serviceBusContract(() => target);
  });
}

if (AZURE_TEST_STORAGE !== undefined) {
  const where = AZURE_TEST_STORAGE;
  const target: ReturnType<StorageTarget> = where.includes('=')
    ? {
        container: BlobServiceClient.fromConnectionString(where).getContainerClient(name),
        table: TableClient.fromConnectionString(where, name),
      }
    : {
        container: new BlobServiceClient(
          `https://${where}.blob.core.windows.net`,
          identity,
        ).getContainerClient(name),
        table: new TableClient(`https://${where}.table.core.windows.net`, name, identity),
      };
  describe('storage', () => {
    beforeAll(async () => {
      await target.container.create();
      await target.table.createTable();
    });
    afterAll(async () => {
      await target.container.delete();
      await target.table.deleteTable();
    });
    storageContract(() => target);
  });
}

if (AZURE_TEST_FACE_ENDPOINT !== undefined) {
  const endpoint = AZURE_TEST_FACE_ENDPOINT;
  describe('Face', () => {
    const { background } = createFaceClients({
      endpoint,
      credential: AZURE_TEST_FACE_KEY === undefined ? { identity } : { key: AZURE_TEST_FACE_KEY },
      // The free plan is enough.
      limiter: createRateLimiter({
        quota: [{ calls: 20, windowMs: 60_000 }],
        store: ownSchedule(),
        patienceMs: 120_000,
      }),
      timeoutMs: 20_000,
    });
    const target: ReturnType<FaceTarget> = { face: background, group: name };
    afterAll(async () => {
      await background.deleteGroup(name, { sendBefore: Infinity }).catch(() => undefined);
    });
    faceContract(() => target);
  });
}

function ownSchedule(): ScheduleStore {
  let kept: { schedule: Schedule; etag: string } | undefined;
  return {
    read: () => Promise.resolve(kept),
    write(schedule) {
      kept = { schedule, etag: randomUUID() };
      return Promise.resolve({ etag: kept.etag, writtenAt: Date.now() });
    },
  };
}
