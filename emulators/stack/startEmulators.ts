import { join, resolve } from 'node:path';
import {
  connections,
  containers,
  functionNames,
  largestImageBytes,
  queues,
  tables,
} from '../../shared/config/resources.ts';
import type { TrainingTime } from '../face/training/trainingTime.ts';
import { readHostKeys, type HostKeys } from '../functions-host/keys.ts';
import type { Supervisor } from './supervisor.ts';

export type EmulatorsOptions = {
  /** Port of the HTTP API; 0: any free port. */
  port: number;
  dataDir: string;
  /** Calls per second that the local Face service allows; the pipeline gets the same limit as its setting. */
  faceTps: number | 'none';
  /** How long a training of the Face service takes: as published for Azure, a number of seconds, or none (default). */
  trainingTime?: TrainingTime;
  /** Number of Functions hosts that share the work, as when Azure scales out; default 1. */
  instances?: number;
  /** Whether the HTTP API requires the key in `endpoints.json`, as it does in Azure; default false. */
  auth?: boolean;
  /** Host names that requests to the stack may use, in addition to those of this machine. */
  allowHosts?: readonly string[];
  /** A Face service that runs elsewhere; default: the stack starts a local one. */
  face?: { endpoint: string; key: string };
  /** Settings of the pipeline in addition to those of the stack, or a function that derives them from the addresses. */
  settings?: Record<string, string> | ((addresses: Addresses) => Record<string, string>);
  /** Builds the app while the emulators start that do not need the app; default: the app has been built already. */
  build?: () => Promise<unknown>;
};

/** The content of `DIR/endpoints.json`, which exists while the stack is ready. */
export type Endpoints = {
  http: string;
  /** The key of the HTTP API, if the HTTP API requires a key. */
  httpKey?: string;
  /** The key of `/admin` and of the webhooks, which always require a key. */
  adminKey: string;
  face: string;
  faceKey: string;
  storageConnectionString: string;
  serviceBusConnectionString: string;
};

type Addresses = Omit<Endpoints, 'http' | 'httpKey' | 'adminKey'>;

type StorageReady = { connectionString: string; ports: { blob: number; queue: number; table: number } };
type BusReady = { connectionString: string; port: number };
type FaceReady = { endpoint: string; key: string; port: number };
type HostReady = { url: string };

/** Starts all emulators at the same time. The emulators that depend on others load their code meanwhile. */
export async function startEmulators(
  supervisor: Supervisor,
  options: EmulatorsOptions,
): Promise<{ endpoints: Endpoints; hosts: string[] }> {
  const keyFile = join(options.dataDir, 'functions-host', 'keys.json');
  const keys = readHostKeys(keyFile);
  const services = startServices(supervisor, options);
  const [addresses, hosts] = await Promise.all([
    services,
    startHosts(supervisor, options, services, keyFile),
  ]);
  const [url] = hosts;
  if (url === undefined) throw new Error('there has to be one Functions host at least');
  subscribe(supervisor, url, keys);
  return {
    hosts,
    endpoints: {
      http: url,
      ...(options.auth === true && { httpKey: keys.functions }),
      adminKey: keys.master,
      ...addresses,
    },
  };
}

async function startServices(
  supervisor: Supervisor,
  { dataDir, face: otherFace, faceTps, trainingTime = 'none', allowHosts = [] }: EmulatorsOptions,
): Promise<Addresses> {
  const [storage, serviceBus, face] = await Promise.all([
    supervisor.start<StorageReady>('storage', {
      options: {
        dataDir: join(dataDir, 'storage'),
        containers: Object.values(containers),
        tables: Object.values(tables),
        allowHosts,
      },
      samePort: ({ ports }) => ({ ports }),
    }),
    supervisor.start<BusReady>('service-bus', {
      options: { dataDir: join(dataDir, 'service-bus'), port: 0, queues: Object.values(queues) },
      samePort: ({ port }) => ({ port }),
    }),
    otherFace ??
      supervisor.start<FaceReady>('face', {
        options: { dataDir: join(dataDir, 'face'), port: 0, quota: faceTps, trainingTime, allowHosts },
        samePort: ({ port }) => ({ port }),
      }),
  ]);
  return {
    face: face.endpoint,
    faceKey: face.key,
    storageConnectionString: storage.connectionString,
    serviceBusConnectionString: serviceBus.connectionString,
  };
}

/** Returns the URLs of the hosts. */
function startHosts(
  supervisor: Supervisor,
  options: EmulatorsOptions,
  services: Promise<Addresses>,
  keyFile: string,
): Promise<string[]> {
  const { port, instances = 1, auth = false, allowHosts = [] } = options;
  const common = Promise.all([services, options.build?.()]).then(([addresses]) => ({
    appDir: resolve(import.meta.dirname, '../..'),
    keyFile,
    auth,
    allowHosts,
    env: toSettings(addresses, options),
  }));
  const starting = Array.from({ length: instances }, async (_, index) => {
    const { url } = await supervisor.start<HostReady>(
      index === 0 ? 'functions-host' : `functions-host-${index + 1}`,
      {
        folder: 'functions-host',
        // Each timer runs on only one instance, as in Azure.
        options: common.then((same) => ({
          ...same,
          port: instances === 1 ? port : 0,
          timers: index === 0,
        })),
        samePort: (ready) => ({ port: Number(new URL(ready.url).port) }),
      },
    );
    return url;
  });
  return Promise.all(starting);
}

/** Subscribes the functions of a host to the events of the containers. */
function subscribe(supervisor: Supervisor, hostUrl: string, keys: HostKeys): void {
  const { enroll, identify } = containers;
  const { detectFaces, identifyDropped, removePicture } = functionNames;
  const maxContentLength = largestImageBytes;
  supervisor.tell('storage', {
    type: 'subscribe',
    hostUrl,
    keys: { created: keys.blobs_extension, deleted: keys.eventgrid_extension },
    subscriptions: [
      { container: enroll, event: 'created', function: detectFaces, maxContentLength },
      { container: identify, event: 'created', function: identifyDropped, maxContentLength },
      { container: enroll, event: 'deleted', function: removePicture },
      { container: identify, event: 'deleted', function: removePicture },
    ],
  });
}

function toSettings(addresses: Addresses, { faceTps, settings }: EmulatorsOptions): Record<string, string> {
  return {
    AzureWebJobsStorage: addresses.storageConnectionString,
    [connections.storage]: addresses.storageConnectionString,
    [connections.serviceBus]: addresses.serviceBusConnectionString,
    FACE_ENDPOINT: addresses.face,
    FACE_APIKEY: addresses.faceKey,
    FACE_QUOTA: faceTps === 'none' ? 'none' : `${faceTps}/s`,
    ...(typeof settings === 'function' ? settings(addresses) : settings),
  };
}
