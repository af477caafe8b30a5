import type { Rollcall } from '../shared/rollcall.ts';

let loading: Promise<Rollcall> | undefined;

/** The pipeline. It and the clients of Azure's services are large, and loaded once the functions are registered. */
export function pipeline(): Promise<Rollcall> {
  loading ??= import('./pipeline.ts').then(({ rollcall }) => rollcall);
  return loading;
}

// While the host goes on with its start. What fails here fails the first call, which says so.
setImmediate(() => void pipeline().catch(() => undefined));
