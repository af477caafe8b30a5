import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { portInUse, type RunningEmulator } from '../common/childProcess.ts';
import { listenToBlobs } from './blobTrigger.ts';
import { allowOrigins, originsOf } from './cors.ts';
import { provideCore, type App, type RegisteredFunction } from './core.ts';
import { parseJson } from './eventGrid.ts';
import { listenToEventGrid } from './eventGridTrigger.ts';
import { readHostSettings, type HostSettings } from './hostSettings.ts';
import { createHttpServer, listenHttp } from './httpTrigger.ts';
import { createHostLog, createInvoke, triggerOf, type HostLog, type Invoke } from './invoke.ts';
import { guardWebhooks, readHostKeys, type HostKeys } from './keys.ts';
import { loadApp, readLocalSettings } from './load.ts';
import { createRepeatFilter } from './repeats.ts';
import { createServiceBusClient } from './serviceBusClient.ts';
import { listenToServiceBus } from './serviceBusTrigger.ts';
import { refuseStrangers } from '../common/strangers.ts';
import { startTimer } from './timerTrigger.ts';

export type FunctionsHostOptions = {
  /** Holds host.json and package.json, whose `main` names the built files. */
  appDir: string;
  /** 0: any free port. */
  port: number;
  /** Settings of the app; they win over local.settings.json. */
  env: Record<string, string>;
  /** A file with the host's keys. Webhooks and the administration always ask for them. */
  keyFile: string;
  /** Whether functions ask for a key as well, as in Azure; default: they do not, as with `func start`. */
  auth?: boolean;
  /** Names by which the host may be called, besides those of this machine. */
  allowHosts?: readonly string[];
  hostId?: string;
  /** Whether timers run here; of several instances, one runs them. Default true. */
  timers?: boolean;
};

export type FunctionsHostReady = { url: string; functions: { name: string; type: string }[] };

/** Under this category the real host logs every request with its path. */
const requestCategory = 'Microsoft.Azure.WebJobs.Script.WebHost.Middleware.SystemTraceMiddleware';

type Listener = { close(): Promise<void> };

/**
 * Runs a Functions app (Node, programming model v4) on this machine: the same files that Azure runs, with their
 * HTTP, blob (over Event Grid), Event Grid, Service Bus and timer triggers. One app a process.
 * @throws Error that says what is wrong with the app, its settings or the port
 */
export async function startFunctionsHost(
  options: FunctionsHostOptions,
): Promise<RunningEmulator<FunctionsHostReady>> {
  Object.assign(process.env, options.env);
  await readLocalSettings(options.appDir, process.env);
  const settings = await readHostSettings(options.appDir);
  const log = createHostLog(settings.logging.logLevel, (line) => process.stdout.write(`${line}\n`));
  const app = provideCore((level, _category, message) => log.host(level, message));
  await loadApp(options.appDir, app);

  const server = createHttpServer();
  const origins = originsOf(process.env['CORS_ORIGINS']);
  allowOrigins(server, origins, settings.extensions.http.routePrefix);
  const keys = readHostKeys(options.keyFile);
  guardWebhooks(server, keys);
  const asked = options.auth === true ? keys : undefined;
  const listeners = await listenToTriggers({ app, server, settings, log, keys: asked, options });
  refuseStrangers(server.server, { allowHosts: options.allowHosts ?? [], allowSites: origins });
  try {
    await server.listen({ host: '127.0.0.1', port: options.port });
  } catch (error) {
    throw portInUse(error, options.port);
  }
  const address = server.server.address();
  return {
    ready: {
      url: `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`,
      functions: app.functions.map(({ metadata }) => ({
        name: metadata.name,
        type: triggerOf(metadata.bindings).binding.type,
      })),
    },
    async close() {
      await server.close();
      await Promise.all(listeners.map((listener) => listener.close()));
      for (const hook of app.hooks.appTerminate) await hook({ appHookData: {} });
    },
  };
}

type Setup = {
  app: App;
  server: FastifyInstance;
  settings: HostSettings;
  log: HostLog;
  /** That functions ask for; undefined: none. */
  keys: HostKeys | undefined;
  options: FunctionsHostOptions;
};

async function listenToTriggers({ app, server, settings, log, keys, options }: Setup): Promise<Listener[]> {
  const { extensions } = settings;
  const invoke = createInvoke(app, log);
  const warnings = createRepeatFilter((line) => log.host('warning', line));
  const onError = warnings.say;
  const of = (type: string) =>
    app.functions.filter(({ metadata }) => triggerOf(metadata.bindings).binding.type === type);
  const known = ['httpTrigger', 'blobTrigger', 'eventGridTrigger', 'serviceBusTrigger', 'timerTrigger'];
  for (const { metadata } of app.functions) {
    const { type } = triggerOf(metadata.bindings).binding;
    if (!known.includes(type))
      throw new Error(`${metadata.name}: triggers of type ${type} are not supported`);
  }

  for (const registered of of('httpTrigger')) {
    listenHttp(server, registered, {
      routePrefix: extensions.http.routePrefix,
      invoke,
      keys,
      onRequest: (method, path) =>
        log.line(
          requestCategory,
          'information',
          `Executing HTTP request: { method: ${method}, uri: ${path} }`,
        ),
    });
  }
  listenToEventGrid(server, of('eventGridTrigger'), invoke);

  const timers = of('timerTrigger').map((registered) => ({
    registered,
    timer: startTimer(registered, { invoke, resolve, paused: options.timers === false }),
  }));
  administer(
    server,
    app,
    timers.map(({ registered, timer }) => [registered.metadata.name, timer.run]),
    invoke,
  );

  const listeners: Listener[] = timers.map(({ timer }) => timer);
  const blobs = of('blobTrigger');
  if (blobs.length > 0) {
    const storage = connectionOf('AzureWebJobsStorage');
    const hostId = options.hostId ?? 'local';
    listeners.push(
      await listenToBlobs({
        server,
        functions: blobs,
        connectionOf,
        hostStorage: storage,
        hostId,
        ...extensions.blobs,
        invoke,
        onError,
      }),
    );
  }
  for (const registered of of('serviceBusTrigger')) {
    const { binding } = triggerOf(registered.metadata.bindings);
    const client = createServiceBusClient(connectionOf(String(binding['connection'])));
    listeners.push(
      listenToServiceBus(registered, { client, settings: extensions.serviceBus, resolve, invoke, onError }),
    );
  }
  listeners.push({ close: async () => warnings.close() });
  return listeners;
}

/** `/admin/functions/{name}` runs a function now, `/admin/host/status` says that the host is up. */
function administer(
  server: FastifyInstance,
  app: App,
  timers: [string, () => Promise<void>][],
  invoke: Invoke,
): void {
  const byTimer = new Map(timers);
  server.get('/admin/host/status', (_request, reply) => reply.send({ state: 'Running' }));
  server.post('/admin/functions/:name', async (request, reply) => {
    const { name } = request.params as { name: string };
    const registered: RegisteredFunction | undefined = app.functions.find(
      ({ metadata }) => metadata.name === name,
    );
    if (registered === undefined) return reply.code(404).send();
    const run = byTimer.get(name);
    const hasBody = request.body instanceof Uint8Array && request.body.length > 0;
    const body = z.object({ input: z.string().nullish() }).safeParse(hasBody ? parseJson(request.body) : {});
    if (!body.success) return reply.code(400).send();
    const input = body.data.input ?? '';
    await (run === undefined ? invoke(registered, { data: { string: input } }) : run());
    return reply.code(202).send();
  });
}

/** The value of a connection setting. @throws Error when it is missing */
function connectionOf(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`the connection setting ${name} is missing`);
  return value;
}

/** Replaces `%NAME%` by the setting of that name. */
function resolve(text: string): string {
  return text.replaceAll(/%(\w+)%/g, (_all, name: string) => connectionOf(name));
}
