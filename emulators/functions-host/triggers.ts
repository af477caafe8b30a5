import type { FastifyInstance } from 'fastify';
import { addAdminRoutes } from './adminRoutes.ts';
import { readConnection, replaceSettings } from './appSettings.ts';
import { listenToBlobs } from './blobTrigger.ts';
import type { App, RegisteredFunction } from './core.ts';
import { listenToEventGrid } from './eventGridTrigger.ts';
import type { HostLog } from './hostLog.ts';
import type { HostSettings } from './hostSettings.ts';
import { listenToHttp } from './httpTrigger.ts';
import { createInvoke, findTrigger, type Invoke } from './invoke.ts';
import type { HostKeys } from './keys.ts';
import { createRepeatFilter } from './repeats.ts';
import { createServiceBusClient } from './serviceBusClient.ts';
import { listenToServiceBus } from './serviceBusTrigger.ts';
import { startTimer } from './timerTrigger.ts';

export type TriggersOptions = {
  app: App;
  server: FastifyInstance;
  settings: HostSettings;
  log: HostLog;
  /** The keys that callers of functions have to show; undefined: functions require no key. */
  keys: HostKeys | undefined;
  hostId: string;
  /** Whether timers run by their schedules. */
  timers: boolean;
};

type Triggers = TriggersOptions & { invoke: Invoke; onError: (message: string) => void };

export type Listener = { close(): Promise<void> };

const supported = ['httpTrigger', 'blobTrigger', 'eventGridTrigger', 'serviceBusTrigger', 'timerTrigger'];

/** The category under which the real host logs each request with its path. */
const requestCategory = 'Microsoft.Azure.WebJobs.Script.WebHost.Middleware.SystemTraceMiddleware';

/** @throws Error when a trigger is not supported, or a setting of a trigger is missing or wrong */
export async function listenToTriggers(options: TriggersOptions): Promise<Listener[]> {
  const { app, server, log } = options;
  expectSupported(app.functions);
  const warnings = createRepeatFilter((line) => log.host('warning', line));
  const triggers = { ...options, invoke: createInvoke(app, log), onError: warnings.warn };
  listenToRequests(triggers);
  listenToEventGrid(server, withTrigger(app, 'eventGridTrigger'), triggers.invoke);
  const timers = startTimers(triggers);
  const blobs = await listenToContainers(triggers);
  return [...timers, ...blobs, ...listenToQueues(triggers), { close: async () => warnings.close() }];
}

function expectSupported(functions: readonly RegisteredFunction[]): void {
  for (const { metadata } of functions) {
    const { type } = findTrigger(metadata.bindings).binding;
    if (!supported.includes(type))
      throw new Error(`${metadata.name}: triggers of type ${type} are not supported`);
  }
}

function withTrigger(app: App, type: string): RegisteredFunction[] {
  return app.functions.filter(({ metadata }) => findTrigger(metadata.bindings).binding.type === type);
}

function listenToRequests({ app, server, settings, log, keys, invoke }: Triggers): void {
  const { routePrefix } = settings.extensions.http;
  const onRequest = (method: string, path: string): void =>
    log.line(requestCategory, 'information', `Executing HTTP request: { method: ${method}, uri: ${path} }`);
  for (const registered of withTrigger(app, 'httpTrigger')) {
    listenToHttp(server, registered, { routePrefix, invoke, keys, onRequest });
  }
}

/** Starts the timers, and adds the routes of `/admin`, which can run each timer at any time. */
function startTimers({ app, server, invoke, timers }: Triggers): Listener[] {
  const started = withTrigger(app, 'timerTrigger').map((registered) => ({
    name: registered.metadata.name,
    timer: startTimer(registered, { invoke, resolve: replaceSettings, paused: !timers }),
  }));
  const runTimer = new Map(started.map(({ name, timer }) => [name, timer.run]));
  addAdminRoutes(server, app.functions, runTimer, invoke);
  return started.map(({ timer }) => timer);
}

async function listenToContainers(triggers: Triggers): Promise<Listener[]> {
  const { app, server, settings, hostId, invoke, onError } = triggers;
  const functions = withTrigger(app, 'blobTrigger');
  if (functions.length === 0) return [];
  const listener = await listenToBlobs({
    server,
    functions,
    readConnection,
    hostStorage: readConnection('AzureWebJobsStorage'),
    hostId,
    ...settings.extensions.blobs,
    invoke,
    onError,
  });
  return [listener];
}

function listenToQueues({ app, settings, invoke, onError }: Triggers): Listener[] {
  return withTrigger(app, 'serviceBusTrigger').map((registered) => {
    const { binding } = findTrigger(registered.metadata.bindings);
    return listenToServiceBus(registered, {
      client: createServiceBusClient(readConnection(String(binding['connection']))),
      settings: settings.extensions.serviceBus,
      resolve: replaceSettings,
      invoke,
      onError,
    });
  });
}
