import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { lockFolder } from './folderLock.ts';
import { claimVersion } from './folderVersion.ts';

/**
 * The answer of an emulator to its options. Each emulator is a separate process: it loads its code, takes its options
 * as the first message of the IPC channel, answers `ready` or `failed`, and ends when the channel closes, so that no
 * emulator outlives the stack, even when the stack is killed. Options are not passed on the command line, because they
 * hold keys and every user of the machine can read a command line.
 */
export type ChildMessage<Ready> = { type: 'ready'; ready: Ready } | { type: 'failed'; reason: string };

/** A running emulator. `ready`: the addresses and keys that other processes need; `tell`: handles a later message. */
export type RunningEmulator<Ready> = { ready: Ready; close(): Promise<void>; tell?(message: unknown): void };

type Start<Options, Ready> = (options: Options) => Promise<RunningEmulator<Ready>>;

/** The message that ends an emulator as SIGTERM does, for Windows, which has no SIGTERM. */
export const endMessage = 'end';

/**
 * The data folder of an emulator that leaves its lock and version to the stack. `holder`: the name of the program in an
 * error; `files`: what a folder with data holds.
 */
export type DataFolder = { holder: string; files: readonly string[] };

/**
 * Runs one emulator in this process, either as a child of the stack, or alone with options from the JSON file that is
 * named on the command line.
 */
export async function runEmulator<Options extends object, Ready extends object>(
  start: Start<Options, Ready>,
  dataFolder?: DataFolder,
): Promise<void> {
  // Every file that a library writes into the data folder is readable only by its owner, and so is a copy of the file.
  process.umask(0o077);
  await (process.send === undefined ? runAlone(start, dataFolder) : runAsChild(start));
}

/** `start` resolves when the emulator can be used. A rejection is reported to the stack and ends the process with 1. */
async function runAsChild<Options, Ready>(start: Start<Options, Ready>): Promise<void> {
  const tellStack = process.send?.bind(process);
  // Ctrl-C reaches the whole process group. It is ignored here, because the stack ends its emulators in order.
  process.on('SIGINT', () => undefined);
  // The stack was killed. Another stack may start on the same data at any moment, so the process exits at once. All
  // writes that the emulator acknowledged are on disk.
  process.on('disconnect', () => process.exit(1));
  const [options] = (await once(process, 'message')) as [Options | typeof endMessage];
  if (options === endMessage) process.exit(0);
  try {
    const emulator = await start(options);
    const end = (): void => endProcess(emulator);
    process.on('SIGTERM', end);
    process.on('message', (message) => (message === endMessage ? end() : emulator.tell?.(message)));
    tellStack?.({ type: 'ready', ready: emulator.ready } satisfies ChildMessage<Ready>);
    // Node writes its cache of compiled code when a process exits, but not when the process is killed.
    setImmediate(flushCompileCache);
  } catch (error) {
    const message: ChildMessage<Ready> = { type: 'failed', reason: toReason(error) };
    tellStack?.(message, undefined, undefined, () => process.exit(1));
  }
}

/**
 * Runs an emulator alone. Its addresses and keys are written to `ready.json` in the data folder, readable only by the
 * owner.
 */
async function runAlone<Options extends object, Ready>(
  start: Start<Options, Ready>,
  dataFolder: DataFolder | undefined,
): Promise<void> {
  const [optionsFile] = process.argv.slice(2);
  if (optionsFile === undefined) {
    process.stderr.write('Name a JSON file with the options, which the README of the emulator lists.\n');
    process.exit(2);
  }
  try {
    const options = JSON.parse(await readFile(optionsFile, 'utf8')) as Options & { dataDir?: string };
    const { dataDir = '.' } = options;
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const unlock = dataFolder === undefined ? undefined : lockFolder(dataDir, dataFolder.holder);
    if (dataFolder !== undefined) claimVersion(dataDir, dataFolder.files);
    const emulator = await start(options);
    const readyFile = join(dataDir, 'ready.json');
    await writeFile(readyFile, `${JSON.stringify(emulator.ready, null, 2)}\n`, { mode: 0o600 });
    process.stdout.write(`Ready: addresses and keys are in ${readyFile}. Ctrl-C ends it.\n`);
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        rmSync(readyFile, { force: true });
        endProcess(emulator, unlock);
      });
  } catch (error) {
    process.stderr.write(`${toReason(error)}\n`);
    process.exit(1);
  }
}

function endProcess(emulator: RunningEmulator<unknown>, unlock?: () => void): void {
  emulator.close().then(
    () => {
      unlock?.();
      process.exit(0);
    },
    (error: unknown) => {
      process.stderr.write(`${toReason(error)}\n`);
      process.exit(1);
    },
  );
}

function toReason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Replaces Node's EADDRINUSE by an error that names the port. Any other error is returned unchanged. */
export function portInUse(error: unknown, port: number): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') return new Error(`port ${port} is in use by another program`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}
