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
  /** Calls a second that the local Face service allows and the pipeline is told. */
  faceTps: number | 'none';
  /** How long the Face service's trainings take: as published for Azure, so many seconds, or (default) no time. */
  trainingTime?: TrainingTime;
  /** Functions hosts that share the work, as when Azure scales out; default 1. */
  instances?: number;
  /** Whether the HTTP API asks for the key in `endpoints.json`, as in Azure. */
  auth?: boolean;
  /** Names by which the stack may be called, besides those of this machine. */
  allowHosts?: readonly string[];
  /** A Face service that runs elsewhere; default: the stack starts one of its own. */
  face?: { endpoint: string; key: string };
  /** Settings of the pipeline besides those that the stack gives, or what makes them of the addresses. */
  settings?: Record<string, string> | ((addresses: Addresses) => Record<string, string>);
  /** Makes the files of the app, beside the start of what does not need them; default: they are there. */
  build?: () => Promise<unknown>;
  /** Where the emulators' output goes. */
  output: (line: string) => void;
  /** Told of each emulator when its start begins. */
  onStart?: (emulator: string) => void;
};

/** What `DIR/endpoints.json` says while the stack is ready. */
export type Endpoints = {
  http: string;
  /** The key of the HTTP API, if it asks for one. */
  httpKey?: string;
  /** The key of `/admin` and of the webhooks, which always ask for one. */
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
  /** The processes of the emulators, by name. */
  processes(): Record<string, number>;
  /** Resolves with a sentence when the stack has to end because an emulator cannot go on. */
  failure: Promise<string>;
  stop(): Promise<void>;
  tell(emulator: string, message: object): void;
  /** Ends every emulator at once, as a loss of the machine would. */
  kill(): void;
};

/** Of the emulators, in the data folder. */
const folders = ['storage', 'service-bus', 'face', 'functions-host'];

type StorageReady = { connectionString: string; ports: { blob: number; queue: number; table: number } };
type BusReady = { connectionString: string; port: number };
type FaceReady = { endpoint: string; key: string; port: number };
type HostReady = { url: string };

/**
 * Starts the emulators that stand in for the cloud, each as a process of its own, and then the pipeline on them.
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
        // A timer runs on one instance, as in Azure.
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
