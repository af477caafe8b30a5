import { codeOf } from '../../shared/errors/errors.ts';
import type { Rollcall } from '../../shared/app/rollcall.ts';
import { logLine } from './logLine.ts';

let loading: Promise<Rollcall> | undefined;

/** Returns the pipeline after checking the version of the tables. @throws RollcallError other_version */
export async function pipeline(): Promise<Rollcall> {
  const rollcall = await uncheckedPipeline();
  await rollcall.checkVersion();
  return rollcall;
}

/**
 * Returns the pipeline without checking the version of the tables, for routes that do not use the tables. The pipeline
 * and the clients of the Azure services are large, so they are loaded only after the functions are registered.
 */
export function uncheckedPipeline(): Promise<Rollcall> {
  loading ??= import('./pipeline.ts').then(
    ({ rollcall }) => rollcall,
    (error: unknown) => {
      // The next call loads the pipeline again.
      loading = undefined;
      throw error;
    },
  );
  return loading;
}

// Loads the pipeline while the Functions host continues its start. Errors other than `other_version` are not logged
// here, because they also fail the first call, which reports them.
setImmediate(() => {
  pipeline().catch((error: unknown) => {
    // oxlint-disable-next-line no-console -- the Functions host collects what an app writes to the console
    if (codeOf(error) === 'other_version') console.error(logLine('error', 'no work is done', error));
  });
});
