import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readOrMakeKey } from '../common/keyFile.ts';
import { portInUse, type RunningEmulator } from '../common/childProcess.ts';
import { refuseStrangers } from '../common/strangers.ts';
import {
  createAzurite,
  createContainer,
  createTable,
  extentFolder,
  referringCollections,
  type Account,
  type AzuriteServers,
  type Ports,
} from './azurite.ts';
import { beforeAnswers } from './beforeAnswers.ts';
import { blobCatalog } from './blobCatalog.ts';
import { blobChanges } from './blobEvents.ts';
import { refuseUnlistableNames } from './blobNames.ts';
import { createEventGrid, type Subscribe } from '../event-grid/eventGrid.ts';
import { eraseFreedRanges } from './extents.ts';
import { openJournal, type LokiJournal } from './lokiJournal.ts';
import { openOutbox } from '../event-grid/outbox.ts';
import { useIndexes } from './tableQueries.ts';

export type StorageOptions = {
  dataDir: string;
  /** Absent: any free ports. */
  ports?: Ports;
  /** Blob containers to create. */
  containers: string[];
  /** Tables to create. */
  tables?: string[];
  /** Names by which the account may be called, besides those of this machine. */
  allowHosts?: readonly string[];
};

export type StorageReady = { connectionString: string; ports: Ports };

/** The account of the storage emulator, whose name every tool knows. Its key is one of the data folder's own. */
const account = 'devstoreaccount1';

/**
 * A storage account on this machine: blobs, queues and tables by Azurite, kept against a kill, and an Event Grid that
 * posts an event to the Functions host for each blob created or deleted. The host subscribes by a message.
 * @throws Error when a port is in use
 */
export async function startStorage(options: StorageOptions): Promise<RunningEmulator<StorageReady>> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const log = (line: string): void => void process.stdout.write(`${line}\n`);
  let closed = false;
  /** What cannot be kept cannot be acknowledged either: the process ends, and what started it starts it again. */
  const fail = (error: unknown): void => {
    if (closed) return;
    setImmediate(() => {
      throw error;
    });
  };
  const journal = openJournal(join(options.dataDir, 'metadata.sqlite'), fail);
  const outbox = openOutbox(join(options.dataDir, 'events.sqlite'));
  const key = readOrMakeKey(join(options.dataDir, 'key'), () => randomBytes(64).toString('base64'));
  const ports = options.ports ?? { blob: 0, queue: 0, table: 0 };
  const servers = createAzurite(options.dataDir, ports, { name: account, key });
  keepMetadata(servers, journal);
  const extents = watchExtents(servers, options.dataDir, log);
  useIndexes(servers.table.metadataStore);
  const catalog = blobCatalog(servers.blob.metadataStore.db, account);
  const changes = blobChanges(catalog, account);
  const { httpServer: blobServer } = servers.blob;
  // The port is known once the server listens; events there are only after that.
  const endpoint = (): string => `${servers.blob.getHttpServerAddress()}/${account}`;
  const eventGrid = createEventGrid({ outbox, catalog, account, endpoint, log, now: Date.now });
  // Before the servers listen: after a new start on the same ports, clients are already waiting.
  refuseUnlistableNames(blobServer);
  blobServer.prependListener('request', changes.arrived);
  beforeAnswers(
    blobServer,
    (request, response, status) => {
      // The blob first: an event without its blob would be wrong, a blob without its event is found by a look.
      journal.commit();
      const change = changes.answered(request, response, status);
      if (change !== undefined) eventGrid.changed(change);
    },
    fail,
  );
  for (const { httpServer } of [servers.queue, servers.table]) {
    beforeAnswers(httpServer, journal.commit, fail);
  }
  for (const { httpServer } of Object.values(servers)) refuseStrangers(httpServer, options);
  await start(servers, options.ports);
  for (const { follow } of extents) await follow();
  const found = {
    blob: portOf(servers.blob.getHttpServerAddress()),
    queue: portOf(servers.queue.getHttpServerAddress()),
    table: portOf(servers.table.getHttpServerAddress()),
  };
  const connectionString = connectionStringOf(found, { name: account, key });
  for (const name of options.containers) await createContainer(servers.blob, account, name);
  for (const name of options.tables ?? []) await createTable(servers.table, account, name);
  journal.commit();
  return {
    ready: { connectionString, ports: found },
    tell(message) {
      // The stack alone can tell this process something.
      const { type, hostUrl } = message as Subscribe;
      if (type === 'subscribe' && URL.canParse(hostUrl)) eventGrid.subscribe(message as Subscribe);
      else log('a message is not understood');
    },
    async close() {
      await eventGrid.close();
      for (const server of Object.values(servers)) {
        server.httpServer.closeAllConnections();
        await server.close();
      }
      for (const { close } of extents) await close();
      // A request that is still at work has lost its connection: nothing of it is acknowledged.
      closed = true;
      outbox.close();
      journal.close();
    },
  };
}

function keepMetadata({ blob, queue, table }: AzuriteServers, journal: LokiJournal): void {
  const stores = { blob: blob.metadataStore, queue: queue.metadataStore, table: table.metadataStore };
  for (const [name, store] of Object.entries(stores)) journal.attach(name, store.db);
  for (const [name, { extentMetadataStore }] of Object.entries({ blob, queue })) {
    if (extentMetadataStore !== undefined) journal.attach(`${name}-extents`, extentMetadataStore.db);
  }
}

/** What is deleted is gone from the disk too. */
function watchExtents(
  servers: AzuriteServers,
  dataDir: string,
  log: (line: string) => void,
): { follow(): Promise<void>; close(): Promise<void> }[] {
  return (['blob', 'queue'] as const).map((service) => {
    const { extentStore, metadataStore } = servers[service];
    if (extentStore === undefined) throw new Error(`Azurite has no extents of its ${service} service`);
    const extents = eraseFreedRanges(extentFolder(dataDir, service), extentStore, { log, now: Date.now });
    return {
      follow: () =>
        extents.follow(referringCollections.flatMap((name) => metadataStore.db.getCollection(name) ?? [])),
      close: extents.close,
    };
  });
}

async function start(servers: AzuriteServers, ports: Ports | undefined): Promise<void> {
  for (const [name, server] of Object.entries(servers)) {
    try {
      await server.start();
    } catch (error) {
      throw portInUse(error, ports?.[name as keyof Ports] ?? 0);
    }
  }
}

function portOf(address: string): number {
  return Number(new URL(address).port);
}

export function connectionStringOf({ blob, queue, table }: Ports, { name, key }: Account): string {
  const at = (service: string, port: number) => `${service}Endpoint=http://127.0.0.1:${port}/${name}`;
  return [
    'DefaultEndpointsProtocol=http',
    `AccountName=${name}`,
    `AccountKey=${key}`,
    at('Blob', blob),
    at('Queue', queue),
    at('Table', table),
    '',
  ].join(';');
}
