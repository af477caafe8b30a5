import { exitCodes } from '../exit.ts';
import type { Output } from '../terminal/output.ts';

/** Ctrl-C aborts the signal, so that what is in flight can be finished; pressed again it ends the process. */
export function stopOnInterrupt(output: Output): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(exitCodes.stopped);
      controller.abort();
      output.note('Stopping: what is on its way is finished. Ctrl-C again ends it at once.');
    });
  return controller.signal;
}
