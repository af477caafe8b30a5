import { mkdir } from 'node:fs/promises';
import { runEmulator } from '../../../emulators/common/childProcess.ts';
import { createAzurite } from '../../../emulators/storage/azurite.ts';
import { toConnectionString, type StorageReady } from '../../../emulators/storage/storage.ts';

/* Azurite as it is, without the journal that keeps it against kills. */

const account = { name: 'devstoreaccount1', key: Buffer.from('key').toString('base64') };

await runEmulator(async ({ dataDir }: { dataDir: string }) => {
  await mkdir(dataDir, { recursive: true });
  const servers = createAzurite(dataDir, { blob: 0, queue: 0, table: 0 }, account);
  for (const server of Object.values(servers)) await server.start();
  const portOf = (name: keyof typeof servers): number =>
    Number(new URL(servers[name].getHttpServerAddress()).port);
  const ports = { blob: portOf('blob'), queue: portOf('queue'), table: portOf('table') };
  return {
    ready: { ports, connectionString: toConnectionString(ports, account) } satisfies StorageReady,
    async close() {
      for (const server of Object.values(servers)) {
        server.httpServer.closeAllConnections();
        await server.close();
      }
    },
  };
});
