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
import { beforeResponses } from './beforeResponses.ts';
import { createBlobCatalog } from './blobCatalog.ts';
import { createChangeReader } from './blobEvents.ts';
import { refuseUnlistableNames } from './blobNames.ts';
import { createEventGrid, type EventGrid, type Subscribe } from '../event-grid/eventGrid.ts';
import { eraseFreedRanges } from './extents.ts';
import { openJournal, type LokiJournal } from './lokiJournal.ts';
import { openOutbox, type Outbox } from '../event-grid/outbox.ts';
import { useIndexes } from './tableQueries.ts';

export type StorageOptions = {
  dataDir: string;
  /** Absent: any free ports. */
  ports?: Ports;
  /** Blob containers to create. */
  containers: string[];
  /** Tables to create. */
  tables?: string[];
  /** Host names that a request may use besides those of the machine. */
  allowHosts?: readonly string[];
};

export type StorageReady = { connectionString: string; ports: Ports };

/** The name of the account that all tools for a storage emulator know. Its key is a random one of the data folder. */
const account = 'devstoreaccount1';

/**
 * A storage account on this machine: the blobs, queues and tables of Azurite, stored so that a kill loses nothing, and
 * an Event Grid that posts an event to the Functions host for each blob that is created or deleted. The host subscribes
 * by a message.
 * @throws Error when a port is in use
 */
export async function startStorage(options: StorageOptions): Promise<RunningEmulator<StorageReady>> {
  const { dataDir, ports = { blob: 0, queue: 0, table: 0 } } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const log = (line: string): void => void process.stdout.write(`${line}\n`);
  let isClosed = false;
  /** A change that is not on disk must not be acknowledged: the process ends, and is started again by the stack. */
  const fail = (error: unknown): void => {
    if (isClosed) return;
    setImmediate(() => {
      throw error;
    });
  };
  const journal = openJournal(join(dataDir, 'metadata.sqlite'), fail);
  const outbox = openOutbox(join(dataDir, 'events.sqlite'));
  const key = readOrMakeKey(join(dataDir, 'key'), () => randomBytes(64).toString('base64'));
  const servers = createAzurite(dataDir, ports, { name: account, key });
  keepMetadata(servers, journal);
  const extents = watchExtents(servers, dataDir, log);
  useIndexes(servers.table.metadataStore);
  // The listeners are added before the servers listen: after a restart on the same ports, clients are waiting already.
  refuseUnlistableNames(servers.blob.httpServer);
  const eventGrid = announceChanges(servers.blob, { outbox, log, commit: journal.commit, fail });
  for (const { httpServer } of [servers.queue, servers.table])
    beforeResponses(httpServer, journal.commit, fail);
  for (const { httpServer } of Object.values(servers)) refuseStrangers(httpServer, options);
  await start(servers, options.ports);
  for (const { follow } of extents) await follow();
  for (const name of options.containers) await createContainer(servers.blob, account, name);
  for (const name of options.tables ?? []) await createTable(servers.table, account, name);
  journal.commit();
  return {
    ready: readAddresses(servers, key),
    tell(message) {
      // Only the stack can send a message to this process.
      const { type, hostUrl } = message as Subscribe;
      if (type === 'subscribe' && URL.canParse(hostUrl)) eventGrid.subscribe(message as Subscribe);
      else log('a message is not understood');
    },
    async close() {
      await eventGrid.close();
      await stop(servers);
      for (const { close } of extents) await close();
      // Requests that are still running have lost their connection, so that nothing of them is acknowledged.
      isClosed = true;
      outbox.close();
      journal.close();
    },
  };
}

type Announcing = {
  outbox: Outbox;
  log: (line: string) => void;
  commit: () => void;
  fail: (error: unknown) => void;
};

/** Tells an Event Grid of each change that a request to the blob server made, before the response leaves. */
function announceChanges(blob: AzuriteServers['blob'], { outbox, log, commit, fail }: Announcing): EventGrid {
  const catalog = createBlobCatalog(blob.metadataStore.db, account);
  // The port is known when the server listens, and a change happens only after that.
  const endpoint = (): string => `${blob.getHttpServerAddress()}/${account}`;
  const eventGrid = createEventGrid({ outbox, catalog, account, endpoint, log, now: Date.now });
  const changes = createChangeReader(catalog, account);
  blob.httpServer.prependListener('request', changes.onRequest);
  beforeResponses(
    blob.httpServer,
    (request, response, status) => {
      // The blob is written first: an event without its blob would be wrong, and a comparison finds a blob without
      // event.
      commit();
      const change = changes.readChange(request, response, status);
      if (change !== undefined) eventGrid.changed(change);
    },
    fail,
  );
  return eventGrid;
}

function keepMetadata({ blob, queue, table }: AzuriteServers, journal: LokiJournal): void {
  const stores = { blob: blob.metadataStore, queue: queue.metadataStore, table: table.metadataStore };
  for (const [name, store] of Object.entries(stores)) journal.attach(name, store.db);
  for (const [name, { extentMetadataStore }] of Object.entries({ blob, queue })) {
    if (extentMetadataStore !== undefined) journal.attach(`${name}-extents`, extentMetadataStore.db);
  }
}

/** Overwrites deleted bytes on the disk. */
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

async function stop(servers: AzuriteServers): Promise<void> {
  for (const server of Object.values(servers)) {
    server.httpServer.closeAllConnections();
    await server.close();
  }
}

function readAddresses({ blob, queue, table }: AzuriteServers, key: string): StorageReady {
  const readPort = (server: { getHttpServerAddress(): string }): number =>
    Number(new URL(server.getHttpServerAddress()).port);
  const ports = { blob: readPort(blob), queue: readPort(queue), table: readPort(table) };
  return { connectionString: toConnectionString(ports, { name: account, key }), ports };
}

export function toConnectionString({ blob, queue, table }: Ports, { name, key }: Account): string {
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
