import { app, type PreInvocationContext } from '@azure/functions';
import { identity, settings } from './settings.ts';
import { traced } from './traced.ts';

/* With telemetry off, the OpenTelemetry SDK is not loaded: the build puts it into a separate file. */

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
