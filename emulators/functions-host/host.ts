import { portInUse, type RunningEmulator } from '../common/childProcess.ts';
import { refuseStrangers } from '../common/strangers.ts';
import { provideCore } from './core.ts';
import { allowOrigins, parseOrigins } from './cors.ts';
import { createHostLog } from './hostLog.ts';
import { readHostSettings } from './hostSettings.ts';
import { createHttpServer } from './httpServer.ts';
import { findTrigger } from './invoke.ts';
import { guardWebhooks, readHostKeys } from './keys.ts';
import { loadApp, readLocalSettings } from './load.ts';
import { listenToTriggers } from './triggers.ts';

export type FunctionsHostOptions = {
  /** Holds host.json and package.json, whose `main` names the built files. */
  appDir: string;
  /** 0: any free port. */
  port: number;
  /** Settings of the app, which override those of local.settings.json. */
  env: Record<string, string>;
  /** The file with the keys of the host. Webhooks and the administration always require a key. */
  keyFile: string;
  /** Whether functions require a key as well, as in Azure; default false, as with `func start`. */
  auth?: boolean;
  /** Host names that a request may use besides those of the machine. */
  allowHosts?: readonly string[];
  hostId?: string;
  /** Whether timers run by their schedules; only one of several instances should run them. Default true. */
  timers?: boolean;
};

export type FunctionsHostReady = { url: string; functions: { name: string; type: string }[] };

/**
 * Runs a Functions app (Node, programming model v4) on this machine: the same files that Azure runs, with their
 * HTTP, blob (over Event Grid), Event Grid, Service Bus and timer triggers. A process can run only one app.
 * @throws Error that says what is wrong with the app, its settings or the port
 */
export async function startFunctionsHost(
  options: FunctionsHostOptions,
): Promise<RunningEmulator<FunctionsHostReady>> {
  const { appDir, port, keyFile, auth = false, allowHosts = [], hostId = 'local', timers = true } = options;
  Object.assign(process.env, options.env);
  await readLocalSettings(appDir, process.env);
  const settings = await readHostSettings(appDir);
  const log = createHostLog(settings.logging.logLevel, (line) => process.stdout.write(`${line}\n`));
  const app = provideCore((level, _category, message) => log.host(level, message));
  await loadApp(appDir, app);

  const server = createHttpServer();
  const origins = parseOrigins(process.env['CORS_ORIGINS']);
  allowOrigins(server, origins, settings.extensions.http.routePrefix);
  const hostKeys = readHostKeys(keyFile);
  guardWebhooks(server, hostKeys);
  const keys = auth ? hostKeys : undefined;
  const listeners = await listenToTriggers({ app, server, settings, log, keys, hostId, timers });
  refuseStrangers(server.server, { allowHosts, allowSites: origins });
  try {
    await server.listen({ host: '127.0.0.1', port });
  } catch (error) {
    throw portInUse(error, port);
  }
  const address = server.server.address();
  return {
    ready: {
      url: `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`,
      functions: app.functions.map(({ metadata }) => ({
        name: metadata.name,
        type: findTrigger(metadata.bindings).binding.type,
      })),
    },
    async close() {
      await server.close();
      await Promise.all(listeners.map((listener) => listener.close()));
      for (const hook of app.hooks.appTerminate) await hook({ appHookData: {} });
    },
  };
}
