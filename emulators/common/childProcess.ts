import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';

/**
 * What the stack asks of an emulator. Each emulator is a process of its own: it loads its code, takes its options as
 * the first message of the IPC channel, answers `ready` or `failed`, and ends when the channel closes, so that no
 * emulator outlives the stack, even when the stack is killed. Options hold keys, and a command line can be read by
 * every user of the machine.
 */
export type ChildMessage<Ready> = { type: 'ready'; ready: Ready } | { type: 'failed'; reason: string };

/** An emulator that runs: what others need to reach it, and how to end it. */
export type RunningEmulator<Ready> = { ready: Ready; close(): Promise<void>; tell?(message: unknown): void };

type Start<Options, Ready> = (options: Options) => Promise<RunningEmulator<Ready>>;

/** Ends an emulator as SIGTERM does. Windows has no such signal. */
export const endMessage = 'end';

/**
 * Runs one emulator as this process: as a child of the stack, or alone with the options of a JSON file that is named
 * on the command line.
 */
export async function runEmulator<Options extends object, Ready extends object>(
  start: Start<Options, Ready>,
): Promise<void> {
  // Whatever a library writes into the data folder is readable by its owner only, also once it is copied.
  process.umask(0o077);
  await (process.send === undefined ? runAlone(start) : runAsChild(start));
}

/** `start` resolves when the emulator can be used; a rejection is reported to the stack and ends the process with 1. */
async function runAsChild<Options, Ready>(start: Start<Options, Ready>): Promise<void> {
  const tellStack = process.send?.bind(process);
  // Ctrl-C reaches the whole process group; the stack decides the order in which its emulators end.
  process.on('SIGINT', () => undefined);
  // The stack was killed: another one may start on the same data at any moment, so this process ends at once. What it
  // acknowledged is on disk.
  process.on('disconnect', () => process.exit(1));
  const [options] = (await once(process, 'message')) as [Options | typeof endMessage];
  if (options === endMessage) process.exit(0);
  try {
    const emulator = await start(options);
    const end = (): void => endProcess(emulator);
    process.on('SIGTERM', end);
    process.on('message', (message) => (message === endMessage ? end() : emulator.tell?.(message)));
    tellStack?.({ type: 'ready', ready: emulator.ready } satisfies ChildMessage<Ready>);
    // Node writes its cache of compiled code when a process exits, which a killed one does not.
    setImmediate(flushCompileCache);
  } catch (error) {
    const message: ChildMessage<Ready> = { type: 'failed', reason: reasonOf(error) };
    tellStack?.(message, undefined, undefined, () => process.exit(1));
  }
}

/** Addresses and keys stand in `ready.json` of the data folder, readable by its owner only. */
async function runAlone<Options extends object, Ready>(start: Start<Options, Ready>): Promise<void> {
  const [optionsFile] = process.argv.slice(2);
  if (optionsFile === undefined) {
    process.stderr.write('Name a JSON file with the options, which the README of the emulator lists.\n');
    process.exit(2);
  }
  try {
    const options = JSON.parse(await readFile(optionsFile, 'utf8')) as Options & { dataDir?: string };
    const { dataDir = '.' } = options;
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const emulator = await start(options);
    const readyFile = join(dataDir, 'ready.json');
    await writeFile(readyFile, `${JSON.stringify(emulator.ready, null, 2)}\n`, { mode: 0o600 });
    process.stdout.write(`Ready: addresses and keys are in ${readyFile}. Ctrl-C ends it.\n`);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => endProcess(emulator));
  } catch (error) {
    process.stderr.write(`${reasonOf(error)}\n`);
    process.exit(1);
  }
}

function endProcess(emulator: RunningEmulator<unknown>): void {
  emulator.close().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${reasonOf(error)}\n`);
      process.exit(1);
    },
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Says which port is in use, instead of Node's EADDRINUSE. */
export function portInUse(error: unknown, port: number): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') return new Error(`port ${port} is in use by another program`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}
