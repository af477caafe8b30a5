import { TableClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import type { StorageReady } from '../../../emulators/storage/storage.ts';
import { startEmulatorProcess } from '../../helpers/emulatorProcess.ts';

export type StorageProcess = Awaited<ReturnType<typeof startStorageProcess>>;

const insecure = { allowInsecureConnection: true };
const noRetries = { retryOptions: { maxTries: 1 } };

/** The storage as the process that the stack would run, and clients that try once. */
export async function startStorageProcess(dataDir: string) {
  const part = await startEmulatorProcess<StorageReady>('storage', { dataDir, containers: ['enroll'] });
  const { connectionString } = part.ready;
  return {
    ...part,
    blobs: BlobServiceClient.fromConnectionString(connectionString, noRetries),
    queues: QueueServiceClient.fromConnectionString(connectionString, noRetries),
    table: TableClient.fromConnectionString(connectionString, 'rows', {
      ...insecure,
      retryOptions: { maxRetries: 0 },
    }),
  };
}
