import { once } from 'node:events';
import { flushCompileCache } from 'node:module';

/**
 * What the embedded stack asks of its parts. Each part is a process of its own: it loads its code, takes its options
 * as the first message of the IPC channel, answers `ready` or `failed`, and ends when the channel closes, so that no
 * part outlives the stack, even when the stack is killed. Options hold keys, and a command line can be read by every
 * user of the machine.
 */
export type PartMessage<Ready> = { type: 'ready'; ready: Ready } | { type: 'failed'; reason: string };

/** A part that runs: what others need to reach it, and how to end it. */
export type RunningPart<Ready> = { ready: Ready; close(): Promise<void>; tell?(message: unknown): void };

/** Ends a part as SIGTERM does. Windows has no such signal. */
export const endMessage = 'end';

/**
 * Runs one part as this process. `start` resolves when the part can be used; a rejection is reported to the
 * stack and ends the process with exit code 1.
 */
export async function runPart<Options, Ready>(
  start: (options: Options) => Promise<RunningPart<Ready>>,
): Promise<void> {
  if (process.send === undefined) {
    process.stderr.write('This file is a part of the embedded stack: `npm start` runs it.\n');
    process.exit(2);
  }
  // Whatever a library writes into the data folder is readable by its owner only, also once it is copied.
  process.umask(0o077);
  // Ctrl-C reaches the whole process group; the stack decides the order in which its parts end.
  process.on('SIGINT', () => undefined);
  // The stack was killed: another one may start on the same data at any moment, so this part ends at once. What it
  // acknowledged is on disk.
  process.on('disconnect', () => process.exit(1));
  const [options] = (await once(process, 'message')) as [Options | typeof endMessage];
  if (options === endMessage) process.exit(0);
  try {
    const part = await start(options);
    const end = (): void => {
      part.close().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`${String(error)}\n`);
          process.exit(1);
        },
      );
    };
    process.on('SIGTERM', end);
    process.on('message', (message) => (message === endMessage ? end() : part.tell?.(message)));
    process.send({ type: 'ready', ready: part.ready } satisfies PartMessage<Ready>);
    // Node writes its cache of compiled code when a process exits, which a killed one does not.
    setImmediate(flushCompileCache);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.send({ type: 'failed', reason } satisfies PartMessage<Ready>, () => process.exit(1));
  }
}

/** Says which port is in use, instead of Node's EADDRINUSE. */
export function portInUse(error: unknown, port: number): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') return new Error(`port ${port} is in use by another program`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}
