import { provideCore, type App } from '../../../emulators/functions-host/core.ts';
import { findTrigger } from '../../../emulators/functions-host/invoke.ts';
import { loadApp } from '../../../emulators/functions-host/load.ts';

/** What the worker needs to know besides; it is the same for every function. */
const internal = ['name', 'direction', 'properties'];
let app: App | undefined;

/** The trigger of every function of the built app, as it is registered with the host. */
export async function registeredBindings(): Promise<Record<string, Record<string, unknown>>> {
  app ??= await load();
  const entries = app.functions.map(({ metadata }): [string, Record<string, unknown>] => {
    const { binding } = findTrigger(metadata.bindings);
    return [
      metadata.name,
      Object.fromEntries(Object.entries(binding).filter(([name]) => !internal.includes(name))),
    ];
  });
  return Object.fromEntries(entries.toSorted(([a], [b]) => a.localeCompare(b)));
}

async function load(): Promise<App> {
  Object.assign(process.env, {
    FACE_ENDPOINT: 'https://name.cognitiveservices.azure.com',
    ROLLCALL_STORAGE: 'UseDevelopmentStorage=true',
    ROLLCALL_SERVICEBUS:
      'Endpoint=sb://name.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=a2V5',
  });
  const provided = provideCore(() => undefined);
  await loadApp(process.cwd(), provided);
  return provided;
}
