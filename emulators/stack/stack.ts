import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  connections,
  containers,
  functionNames,
  largestImageBytes,
  queues,
  tables,
} from '../../shared/config/resources.ts';
import { claimVersion } from '../common/folderVersion.ts';
import type { TrainingTime } from '../face/training/trainingTime.ts';
import { lockFolder } from '../common/folderLock.ts';
import { readHostKeys } from '../functions-host/keys.ts';
import { startLoadBalancer, type LoadBalancer } from './loadBalancer.ts';
import { superviseEmulators, type Supervisor } from './supervisor.ts';

export type StackOptions = {
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
  /** Called with each line of output of the emulators. */
  output: (line: string) => void;
  /** Called with the name of each emulator when its start begins. */
  onStart?: (emulator: string) => void;
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

export type Stack = {
  endpoints: Endpoints;
  dataDir: string;
  /** The process IDs of the emulators, by name of the emulator. */
  processes(): Record<string, number>;
  /** Resolves with a sentence when the stack has to end because an emulator cannot be kept running. */
  failure: Promise<string>;
  stop(): Promise<void>;
  tell(emulator: string, message: object): void;
  /** Kills every emulator at once, as a loss of the machine would. */
  kill(): void;
};

/** The folders of the emulators in the data folder. */
const folders = ['storage', 'service-bus', 'face', 'functions-host'];

type StorageReady = { connectionString: string; ports: { blob: number; queue: number; table: number } };
type BusReady = { connectionString: string; port: number };
type FaceReady = { endpoint: string; key: string; port: number };
type HostReady = { url: string };

/**
 * Starts the emulators that stand in for the cloud services, each as a separate process, and the pipeline on them.
 * @throws Error that names the emulator that could not start, and why; the others are stopped
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const endpointsFile = join(dataDir, 'endpoints.json');
  const unlock = lockFolder(dataDir, 'stack');
  const supervisor = superviseEmulators(options.output, options.onStart);
  let balancer: LoadBalancer | undefined;
  try {
    claimVersion(dataDir, folders);
    await rm(endpointsFile, { force: true });
    const { endpoints, hosts } = await startEmulators(supervisor, { ...options, dataDir });
    if (hosts.length > 1) {
      balancer = await startLoadBalancer(options.port, hosts);
      endpoints.http = balancer.url;
    }
    await writeFile(`${endpointsFile}.new`, `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
    await rename(`${endpointsFile}.new`, endpointsFile);
    return {
      endpoints,
      dataDir,
      processes: supervisor.processes,
      failure: supervisor.failure,
      async stop() {
        await rm(endpointsFile, { force: true });
        balancer?.close();
        await supervisor.stop();
        unlock();
      },
      tell: supervisor.tell,
      kill() {
        balancer?.close();
        supervisor.kill();
        unlock();
      },
    };
  } catch (error) {
    balancer?.close();
    await supervisor.stop();
    unlock();
    throw error;
  }
}

async function startEmulators(
  supervisor: Supervisor,
  options: StackOptions,
): Promise<{ endpoints: Endpoints; hosts: string[] }> {
  const { dataDir, faceTps, trainingTime = 'none', instances = 1, auth = false, allowHosts = [] } = options;
  const keyFile = join(dataDir, 'functions-host', 'keys.json');
  const keys = readHostKeys(keyFile);
  const services = Promise.all([
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
    options.face ??
      supervisor.start<FaceReady>('face', {
        options: { dataDir: join(dataDir, 'face'), port: 0, quota: faceTps, trainingTime, allowHosts },
        samePort: ({ port }) => ({ port }),
      }),
  ]).then(([storage, serviceBus, face]) => ({
    face: face.endpoint,
    faceKey: face.key,
    storageConnectionString: storage.connectionString,
    serviceBusConnectionString: serviceBus.connectionString,
  }));
  const forHosts = Promise.all([services, options.build?.()]).then(([addresses]) => ({
    appDir: resolve(import.meta.dirname, '../..'),
    keyFile,
    auth,
    allowHosts,
    env: settingsOf(addresses, options),
  }));
  const starting = Array.from({ length: instances }, (_, index) =>
    supervisor.start<HostReady>(index === 0 ? 'functions-host' : `functions-host-${index + 1}`, {
      folder: 'functions-host',
      options: forHosts.then((common) => ({
        ...common,
        port: instances === 1 ? options.port : 0,
        // Each timer runs on only one instance, as in Azure.
        timers: index === 0,
      })),
      samePort: ({ url }) => ({ port: Number(new URL(url).port) }),
    }),
  );
  const [addresses, hosts] = await Promise.all([services, Promise.all(starting)]);
  const [host] = hosts;
  if (host === undefined) throw new Error('there has to be one Functions host at least');
  supervisor.tell('storage', {
    type: 'subscribe',
    hostUrl: host.url,
    keys: { created: keys.blobs_extension, deleted: keys.eventgrid_extension },
    subscriptions: [
      { container: containers.enroll, event: 'created', function: functionNames.detectFaces },
      { container: containers.identify, event: 'created', function: functionNames.identifyDropped },
      { container: containers.enroll, event: 'deleted', function: functionNames.removePicture },
      { container: containers.identify, event: 'deleted', function: functionNames.removePicture },
    ].map((subscription) =>
      subscription.event === 'created'
        ? { ...subscription, maxContentLength: largestImageBytes }
        : subscription,
    ),
  });
  return {
    hosts: hosts.map(({ url }) => url),
    endpoints: {
      http: host.url,
      ...(auth ? { httpKey: keys.functions } : {}),
      adminKey: keys.master,
      ...addresses,
    },
  };
}

function settingsOf(addresses: Addresses, { faceTps, settings }: StackOptions): Record<string, string> {
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
