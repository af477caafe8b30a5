import { randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import type { StorageReady } from '../../emulators/storage/storage.ts';
import { startEmulatorProcess } from '../helpers/emulatorProcess.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/*
 * What it costs that no acknowledged write is lost in a kill: calls a second to the storage, beside Azurite as it is,
 * in turns, so that both meet the same machine.
 */

const kinds = { 'the storage': 'storage', 'Azurite as it is': './plainAzurite' } as const;
type Kind = keyof typeof kinds;

const rounds = 4;
const atOnce = 8;
/** Of a round. */
const writes = { 'blobs of 40 KB': 250, rows: 1_000, 'rows replaced': 1_000, 'ranges queried': 50 } as const;
type Write = keyof typeof writes;
const blobBytes = Buffer.alloc(40_000, 7);

export async function journal(): Promise<void> {
  const stores = {
    'the storage': await start('the storage'),
    'Azurite as it is': await start('Azurite as it is'),
  };
  const seconds = new Map<string, number>();
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of Object.keys(kinds) as Kind[]) {
      for (const write of Object.keys(writes) as Write[]) {
        const took = await stores[kind].time(write);
        // The first round warms up.
        if (round > 0) seconds.set(kind + write, (seconds.get(kind + write) ?? 0) + took);
      }
    }
  }
  for (const store of Object.values(stores)) await store.close();
  console.log('calls a second to the storage');
  for (const write of Object.keys(writes) as Write[]) {
    const [kept = NaN, plain = NaN] = (Object.keys(kinds) as Kind[]).map(
      (kind) => (writes[write] * (rounds - 1)) / (seconds.get(kind + write) ?? NaN),
    );
    console.log(
      `  ${write.padEnd(16)} with the journal ${kept.toFixed(0)}, Azurite as it is ${plain.toFixed(0)}, ratio ${(kept / plain).toFixed(2)}`,
    );
  }
}

async function start(kind: Kind) {
  const folder = await temporaryFolder();
  const part = await startEmulatorProcess<StorageReady>(kinds[kind], {
    dataDir: folder.path,
    containers: [],
  });
  const { connectionString } = part.ready;
  const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('bench');
  const table = TableClient.fromConnectionString(connectionString, 'bench', {
    allowInsecureConnection: true,
  });
  await container.create();
  await table.createTable();
  const row = (rowKey: string) => ({ partitionKey: 'p', rowKey, text: 'x'.repeat(500) });
  const work: Record<Write, (index: number) => Promise<unknown>> = {
    'blobs of 40 KB': () => container.getBlockBlobClient(randomUUID()).upload(blobBytes, blobBytes.length),
    rows: () => table.createEntity(row(randomUUID())),
    'ranges queried': async (index) => {
      const filter = `PartitionKey eq 'p' and RowKey ge 'row-${index % 90}' and RowKey lt 'row-${(index % 90) + 2}'`;
      for await (const found of table.listEntities({ queryOptions: { filter } })) void found;
    },
    'rows replaced': (index) => table.upsertEntity(row(`row-${index % 100}`), 'Replace'),
  };
  return {
    /** Seconds of a round of writes. */
    async time(write: Write): Promise<number> {
      const begin = performance.now();
      let next = 0;
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          for (let index = next++; index < writes[write]; index = next++) await work[write](index);
        }),
      );
      return (performance.now() - begin) / 1_000;
    },
    async close(): Promise<void> {
      await part.stop();
      await folder.remove();
    },
  };
}
