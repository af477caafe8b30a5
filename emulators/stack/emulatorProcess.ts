import { fork, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheFolder } from '../common/cacheFolder.ts';
import { endMessage, type ChildMessage } from '../common/childProcess.ts';

/** How long an emulator may take to end before it is killed. */
const graceMs = 15_000;

/**
 * Cache of the compiled code of the emulators, so that the next start need not compile. Node includes its own version
 * in the keys of the cache.
 */
const compileCache = join(cacheFolder, 'code');

/** Starts the process of an emulator. The process waits for its options as the first message. */
export function forkEmulator(file: string, stdio: StdioOptions): ChildProcess {
  return fork(file, {
    stdio,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env },
  });
}

/** Starts the process of an emulator, and passes each line of its output on, with its name in front. */
export function startProcess(name: string, folder: string, output: (line: string) => void): ChildProcess {
  const file = join(import.meta.dirname, '..', folder, 'main.ts');
  const child = forkEmulator(file, ['ignore', 'pipe', 'pipe', 'ipc']);
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', (line) => output(`[${name}] ${line}`));
  }
  return child;
}

/**
 * Sends an emulator its options and waits until the emulator can be used.
 * @throws EmulatorEnded when the process ends first
 * @throws Error with the reason that the emulator gives
 */
export async function untilReady<Ready>(
  name: string,
  child: ChildProcess,
  options: object | Promise<object>,
  output: (line: string) => void,
): Promise<Ready> {
  const answer = firstAnswer<Ready>(child);
  const given = Promise.resolve(options).then((known) => sendMessage(name, child, known, output));
  // An emulator may fail before its options are known.
  const message = await Promise.race([answer, given.then(() => answer)]);
  if (message.type === 'ready') return message.ready;
  if (message.type === 'ended') throw new EmulatorEnded(name, message.how);
  throw new Error(`${name} could not start: ${message.reason}`);
}

export function sendMessage(
  name: string,
  child: ChildProcess,
  message: object,
  output: (line: string) => void,
): void {
  child.send(message, (error) => {
    // The message is of no interest when the process has ended: its end is reported.
    if (error !== null && child.exitCode === null && child.signalCode === null) {
      output(`[${name}] could not be told: ${error.message}`);
    }
  });
}

/** Resolves with how the process ended. */
export function untilExit(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(describeExit(code, signal)));
  });
}

/** The process of an emulator ended before the emulator could say whether it can start. */
export class EmulatorEnded extends Error {
  override name = 'EmulatorEnded';
  readonly how: string;

  constructor(emulator: string, how: string) {
    super(`${emulator} could not start: it ended with ${how}`);
    this.how = how;
  }
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  return signal ?? `exit code ${code}`;
}

/** The first message of an emulator, or how its process ended without one. */
function firstAnswer<Ready>(
  child: ChildProcess,
): Promise<ChildMessage<Ready> | { type: 'ended'; how: string }> {
  return new Promise((resolve) => {
    child.once('message', (message) => resolve(message as ChildMessage<Ready>));
    child.once('exit', (code, signal) => resolve({ type: 'ended', how: describeExit(code, signal) }));
    child.once('error', (error) => resolve({ type: 'failed', reason: error.message }));
  });
}

/** Ends an emulator in order, and kills it after `graceMs`. */
export async function endProcess(
  name: string,
  child: ChildProcess,
  output: (line: string) => void,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (process.platform === 'win32') child.send(endMessage);
  else child.kill('SIGTERM');
  const killer = setTimeout(() => {
    output(`[${name}] did not end within ${graceMs / 1_000} s and is killed`);
    child.kill('SIGKILL');
  }, graceMs);
  await exited;
  clearTimeout(killer);
}
