import { app, type PreInvocationContext } from '@azure/functions';
import { identity, settings } from './settings.ts';
import { traced } from './traced.ts';

/* Telemetry costs nothing where it is off: the SDK is a file of its own and is not even read. */

if (settings.ROLLCALL_TELEMETRY !== 'off') {
  const destination = settings.ROLLCALL_TELEMETRY;
  let stop = (): Promise<void> => Promise.resolve();
  app.hook.appStart(async () => {
    const { startTelemetry } = await import('./telemetrySdk.ts');
    stop = startTelemetry(destination, identity);
  });
  app.hook.appTerminate(() => stop());
  app.hook.preInvocation((hook: PreInvocationContext) => {
    hook.functionHandler = traced(hook.functionHandler);
  });
}
