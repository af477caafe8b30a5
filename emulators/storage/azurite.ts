import { createRequire } from 'node:module';
import type { Server } from 'node:http';
import { join } from 'node:path';
import type { Range } from './ranges.ts';

/*
 * Azurite in this process. The classes of Azurite are no public API: package.json pins the exact version, and this file
 * holds everything that the emulator assumes about the classes.
 */

const require = createRequire(import.meta.url);

export type LokiDocument = { $loki: number } & Record<string, unknown>;

export type LokiCollection = {
  name: string;
  data: LokiDocument[];
  maxId: number;
  on(event: string, listener: (document: LokiDocument | LokiDocument[]) => void): void;
  find(query: Record<string, string>): LokiDocument[];
  findOne(query: Record<string, string>): LokiDocument | null;
  ensureId(): void;
  ensureIndex(field: string, force: boolean): void;
  ensureUniqueIndex(field: string): void;
};

export type LokiDatabase = {
  autosaveDisable(): void;
  addCollection(name: string, options?: { indices?: string[]; unique?: string[] }): LokiCollection;
  getCollection(name: string): LokiCollection | null;
  removeCollection(name: string): void;
  saveDatabase(...args: unknown[]): void;
  close(callback?: (error?: Error) => void): void;
};

export type LokiChain = { find(query: object): LokiChain };

/** The metadata of Azurite's blob service. */
type BlobStore = {
  db: LokiDatabase;
  createContainer(context: undefined, container: object): Promise<unknown>;
};

/** The metadata of Azurite's table service. */
export type TableStore = {
  db: LokiDatabase;
  createTable(context: undefined, table: object): Promise<void>;
  getEntityCollection(...which: unknown[]): { chain(): LokiChain };
  queryTableEntities(
    context: unknown,
    account: string,
    table: string,
    options: { filter?: string },
    ...page: unknown[]
  ): Promise<unknown>;
};

/** The files in which Azurite keeps the bytes of blobs and messages. */
export type ExtentStore = {
  appendExtent(...args: unknown[]): Promise<Range>;
  readExtent(range?: Range, ...rest: unknown[]): Promise<NodeJS.ReadableStream>;
  isActiveExtent(id: string): boolean;
};

/** The collections whose documents refer to ranges of extents. */
export const referringCollections = ['$BLOBS_COLLECTION$', '$BLOCKS_COLLECTION$', '$MESSAGES_COLLECTION$'];

/** The folder of the extents of a service. */
export function extentFolder(dataDir: string, service: 'blob' | 'queue'): string {
  return join(dataDir, `__${service}storage__`);
}

type AzuriteServer<Store = { db: LokiDatabase }> = {
  start(): Promise<void>;
  close(): Promise<void>;
  getHttpServerAddress(): string;
  httpServer: Server;
  metadataStore: Store;
  accountDataStore: { accounts: Record<string, { name: string; key1: Buffer }>; refresh(): void };
  extentMetadataStore?: { db: LokiDatabase };
  extentStore?: ExtentStore;
};

type Constructor<Instance> = new (...args: unknown[]) => Instance;

function load<Instance>(path: string): Constructor<Instance> {
  return (require(`azurite/dist/src/${path}`) as { default: Constructor<Instance> }).default;
}

export type Account = { name: string; key: string };
export type Ports = { blob: number; queue: number; table: number };
export type AzuriteServers = {
  blob: AzuriteServer<BlobStore>;
  queue: AzuriteServer;
  table: AzuriteServer<TableStore>;
};

/** Makes the three servers of an account without starting the servers. Port 0: any free port. */
export function createAzurite(dataDir: string, ports: Ports, account: Account): AzuriteServers {
  const host = '127.0.0.1';
  const keepAliveSeconds = 5;
  const at = (name: string) => join(dataDir, name);
  const content = (service: 'blob' | 'queue') => [
    { locationId: 'Default', locationPath: extentFolder(dataDir, service), maxConcurrency: 50 },
  ];
  // Host, port, keep-alive, metadata, extents, content; then: no access log and no stream for it, no debug log and no
  // file for it, not loose, and no check of the API version, because current clients use a later version.
  const withContent = (service: 'blob' | 'queue'): unknown[] => [
    ...[
      host,
      ports[service],
      keepAliveSeconds,
      at(`${service}.json`),
      at(`${service}_extents.json`),
      content(service),
    ],
    ...[false, undefined, false, undefined, false, true],
  ];
  const Blob = load<AzuriteServer<BlobStore>>('blob/BlobServer');
  const BlobConfiguration = load('blob/BlobConfiguration');
  const Queue = load<AzuriteServer>('queue/QueueServer');
  const QueueConfiguration = load('queue/QueueConfiguration');
  const Table = load<AzuriteServer<TableStore>>('table/TableServer');
  const TableConfiguration = load('table/TableConfiguration');
  const servers: AzuriteServers = {
    blob: new Blob(new BlobConfiguration(...withContent('blob'))),
    queue: new Queue(new QueueConfiguration(...withContent('queue'))),
    table: new Table(
      new TableConfiguration(
        ...[host, ports.table, keepAliveSeconds, at('table.json')],
        ...[false, false, undefined, undefined, false, true],
      ),
    ),
  };
  for (const { accountDataStore } of Object.values(servers)) useAccount(accountDataStore, account);
  return servers;
}

/** Replaces Azurite's accounts, which Azurite reads from the environment each minute, or else have a public key. */
function useAccount(store: AzuriteServer['accountDataStore'], { name, key }: Account): void {
  store.accounts = { [name]: { name, key1: Buffer.from(key, 'base64') } };
  store.refresh = () => undefined;
}

/**
 * Creates a container if it does not exist, without HTTP: the client libraries for HTTP would be half of the code that
 * a start loads.
 */
export async function createContainer(
  { metadataStore }: AzuriteServers['blob'],
  account: string,
  name: string,
): Promise<void> {
  if (exists(metadataStore.db, '$CONTAINERS_COLLECTION$', { accountName: account, name })) return;
  const properties = {
    etag: newEtag(),
    lastModified: new Date(),
    leaseStatus: 'unlocked',
    leaseState: 'available',
    hasImmutabilityPolicy: false,
    hasLegalHold: false,
  };
  await metadataStore.createContainer(undefined, { accountName: account, name, properties });
}

/** Creates a table if it does not exist. */
export async function createTable(
  { metadataStore }: AzuriteServers['table'],
  account: string,
  table: string,
): Promise<void> {
  if (exists(metadataStore.db, '$TABLES_COLLECTION$', { account, table })) return;
  await metadataStore.createTable(undefined, { account, table });
}

function exists(db: LokiDatabase, name: string, document: Record<string, string>): boolean {
  const collection = db.getCollection(name);
  if (collection === null) throw new Error(`Azurite has no collection ${name}`);
  return collection.findOne(document) !== null;
}

const { newEtag } = require('azurite/dist/src/common/utils/utils') as { newEtag: () => string };

/** The names of the blob service's operations, by the number that Azurite gives them. */
export const operations = (
  require('azurite/dist/src/blob/generated/artifacts/operation') as { default: Record<number, string> }
).default;
