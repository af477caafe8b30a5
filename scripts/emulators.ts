import { mkdir, writeFile } from 'node:fs/promises';
import { TableClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { azureResources } from './azureResources.ts';
import { emulatorConfig } from './emulatorConfig.ts';

/* Prepares the official emulators for `func start`: a configuration with the queues, the containers, the tables. */

const storage = 'UseDevelopmentStorage=true';
const { containers, tables } = azureResources();

await mkdir('.emulators', { recursive: true });
await writeFile('.emulators/Config.json', `${JSON.stringify(emulatorConfig(), undefined, 2)}\n`);
for (const name of containers) {
  await BlobServiceClient.fromConnectionString(storage).getContainerClient(name).createIfNotExists();
}
for (const name of tables) await TableClient.fromConnectionString(storage, name).createTable();
console.log('Containers and tables are in Azurite; .emulators/Config.json is for the Service Bus emulator.');
