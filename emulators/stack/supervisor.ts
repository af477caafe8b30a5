import { fork, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheFolder } from '../common/cacheFolder.ts';
import { endMessage, type ChildMessage } from '../common/childProcess.ts';

export type EmulatorStart<Ready> = {
  /** The folder of the emulator's code; default: its name. Several instances of one emulator have one folder. */
  folder?: string;
  /** A promise when the options depend on other emulators being ready: meanwhile this emulator loads its code. */
  options: object | Promise<object>;
  /** Options that are added at a restart, so that the emulator uses its port again. */
  samePort: (ready: Ready) => object;
};

export type Supervisor = {
  /** @throws Error that names the emulator and why it could not start */
  start<Ready>(name: string, emulator: EmulatorStart<Ready>): Promise<Ready>;
  /** Sends a message to an emulator, now and after each restart. After a restart, only the last message is sent. */
  tell(name: string, message: object): void;
  processes(): Record<string, number>;
  failure: Promise<string>;
  stop(): Promise<void>;
  kill(): void;
};

/** How many restarts of an emulator within a minute are allowed; more restarts end the stack. */
const restartsAMinute = 5;
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

/**
 * Runs the emulators as processes. An emulator that dies is started again with its data and its port, as the cloud
 * would do. When an emulator dies too often or cannot be restarted, `failure` resolves with the reason. Emulators whose
 * options depend on other emulators are stopped before the other emulators.
 */
export function superviseEmulators(
  output: (line: string) => void,
  onStart: (name: string) => void = () => undefined,
): Supervisor {
  const running = new Map<string, ChildProcess>();
  const told = new Map<string, object>();
  const onOthers = new Set<string>();
  let stopping = false;
  const failed = Promise.withResolvers<string>();

  async function launch<Ready>(
    name: string,
    folder: string,
    options: object | Promise<object>,
  ): Promise<{ child: ChildProcess; ready: Ready }> {
    const child = forkEmulator(join(import.meta.dirname, '..', folder, 'main.ts'), [
      'ignore',
      'pipe',
      'pipe',
      'ipc',
    ]);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => output(`[${name}] ${line}`));
    }
    running.set(name, child);
    const answer = firstAnswer<Ready>(child);
    const given = Promise.resolve(options).then((known) => send(name, child, known));
    // An emulator may fail before its options are known.
    const message = await Promise.race([answer, given.then(() => answer)]);
    if (message.type === 'ready') return { child, ready: message.ready };
    if (message.type === 'ended') throw new EmulatorEnded(name, message.how);
    throw new Error(`${name} could not start: ${message.reason}`);
  }

  function send(name: string, child: ChildProcess, message: object): void {
    child.send(message, (error) => {
      // The message is of no interest when the process has ended: its end is reported.
      if (error !== null && child.exitCode === null && child.signalCode === null) {
        output(`[${name}] could not be told: ${error.message}`);
      }
    });
  }

  async function start<Ready>(name: string, emulator: EmulatorStart<Ready>): Promise<Ready> {
    const { folder = name } = emulator;
    onStart(name);
    if (emulator.options instanceof Promise) onOthers.add(name);
    const { child, ready } = await launch<Ready>(name, folder, emulator.options);
    keepAlive(name, folder, child, { ...(await emulator.options), ...emulator.samePort(ready) });
    return ready;
  }

  function keepAlive(name: string, folder: string, first: ChildProcess, options: object): void {
    let restarts: number[] = [];
    const restart = (how: string): void => {
      running.delete(name);
      if (stopping) return;
      output(`[${name}] ended with ${how}; it is started again`);
      restarts = [...restarts.filter((at) => at > Date.now() - 60_000), Date.now()];
      if (restarts.length > restartsAMinute) {
        failed.resolve(`${name} ended more than ${restartsAMinute} times within a minute`);
        return;
      }
      launch(name, folder, options).then(
        ({ child }) => {
          watch(child);
          const message = told.get(name);
          if (message !== undefined) send(name, child, message);
        },
        (error: unknown) => {
          // An emulator that dies during a restart is restarted too, and the restart counts.
          if (error instanceof EmulatorEnded) restart(error.how);
          else failed.resolve(error instanceof Error ? error.message : String(error));
        },
      );
    };
    const watch = (child: ChildProcess): void => {
      child.once('exit', (code, signal) => restart(howItEnded(code, signal)));
    };
    watch(first);
  }

  return {
    start,
    tell(name, message) {
      told.set(name, message);
      const child = running.get(name);
      if (child !== undefined) send(name, child, message);
    },
    processes: () => Object.fromEntries([...running].map(([name, child]) => [name, child.pid ?? 0])),
    failure: failed.promise,
    kill() {
      stopping = true;
      for (const child of running.values()) child.kill('SIGKILL');
    },
    async stop() {
      stopping = true;
      for (const isOnOthers of [true, false]) {
        const emulators = [...running].filter(([name]) => onOthers.has(name) === isOnOthers);
        await Promise.all(emulators.map(([name, child]) => end(name, child, output)));
      }
      running.clear();
    },
  };
}

/** The process of an emulator ended before the emulator could say whether it can start. */
class EmulatorEnded extends Error {
  override name = 'EmulatorEnded';
  readonly how: string;

  constructor(emulator: string, how: string) {
    super(`${emulator} could not start: it ended with ${how}`);
    this.how = how;
  }
}

function howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
  return signal ?? `exit code ${code}`;
}

/** The first message of an emulator, or how its process ended without one. */
function firstAnswer<Ready>(
  child: ChildProcess,
): Promise<ChildMessage<Ready> | { type: 'ended'; how: string }> {
  return new Promise((resolve) => {
    child.once('message', (message) => resolve(message as ChildMessage<Ready>));
    child.once('exit', (code, signal) => resolve({ type: 'ended', how: howItEnded(code, signal) }));
    child.once('error', (error) => resolve({ type: 'failed', reason: error.message }));
  });
}

async function end(name: string, child: ChildProcess, output: (line: string) => void): Promise<void> {
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
