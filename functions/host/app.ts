import { codeOf } from '../../shared/errors/errors.ts';
import type { Rollcall } from '../../shared/app/rollcall.ts';
import { logLine } from './logLine.ts';

let loading: Promise<Rollcall> | undefined;

/** The pipeline, once the tables are known to be of its version. @throws RollcallError other_version */
export async function pipeline(): Promise<Rollcall> {
  const rollcall = await uncheckedPipeline();
  await rollcall.checkVersion();
  return rollcall;
}

/**
 * The pipeline for what does not touch the tables. It and the clients of Azure's services are large, and loaded once the
 * functions are registered.
 */
export function uncheckedPipeline(): Promise<Rollcall> {
  loading ??= import('./pipeline.ts').then(({ rollcall }) => rollcall);
  return loading;
}

// While the host goes on with its start. What else fails here fails the first call, which says so.
setImmediate(() => {
  pipeline().catch((error: unknown) => {
    // oxlint-disable-next-line no-console -- the Functions host collects what an app writes to the console
    if (codeOf(error) === 'other_version') console.error(logLine('error', 'nothing is worked on', error));
  });
});
