import { exitCodes } from '../exit.ts';
import type { Output } from '../terminal/output.ts';

/**
 * Ctrl-C aborts the signal, so that what is in flight can be finished; pressed again it ends the process. Until
 * `release` is called.
 */
export function stopOnInterrupt(output: Output): { stopped: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.stopped);
    controller.abort();
    output.note('Stopping: what is on its way is finished. Ctrl-C again ends it at once.');
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return {
    stopped: controller.signal,
    release: () => void process.off('SIGINT', stop).off('SIGTERM', stop),
  };
}
