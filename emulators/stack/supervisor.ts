import { fork, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheFolder } from '../common/cacheFolder.ts';
import { endMessage, type PartMessage } from '../common/childProcess.ts';

export type PartStart<Ready> = {
  /** The folder of the part, where it is not its name: several instances of one part. */
  folder?: string;
  /** A promise where they need what others say once they are ready: meanwhile the part loads its code. */
  options: object | Promise<object>;
  /** What to add to the options at a restart, so that the part answers where it answered before. */
  samePort: (ready: Ready) => object;
};

export type Supervisor = {
  /** @throws Error that names the part and why it could not start */
  start<Ready>(name: string, part: PartStart<Ready>): Promise<Ready>;
  /** Tells a part something, now and again after each restart of it. */
  tell(name: string, message: object): void;
  processes(): Record<string, number>;
  failure: Promise<string>;
  stop(): Promise<void>;
  kill(): void;
};

/** A part that dies is started again, as the cloud would; more often than this within a minute is a failure. */
const restartsAMinute = 5;
const graceMs = 15_000;

/** Compiled code of the parts: the next start reads it instead of compiling. Node keys it by its own version too. */
const compileCache = join(cacheFolder, 'code');

/** A process that runs a part; what it waits for is its options, as the first message. */
export function forkPart(file: string, stdio: StdioOptions): ChildProcess {
  return fork(file, {
    stdio,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env },
  });
}

/**
 * Runs the parts as processes. A part that dies is started again on its data and its port; when it dies too often
 * or cannot start, `failure` says so. Parts that were started on others end before these.
 */
export function superviseParts(
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
    const child = forkPart(join(import.meta.dirname, '..', folder, 'main.ts'), [
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
    // A part may fail before there are options for it.
    const message = await Promise.race([answer, given.then(() => answer)]);
    if (message.type === 'ready') return { child, ready: message.ready };
    if (message.type === 'ended') throw new PartEnded(name, message.how);
    throw new Error(`${name} could not start: ${message.reason}`);
  }

  function send(name: string, child: ChildProcess, message: object): void {
    child.send(message, (error) => {
      // Its end says more.
      if (error !== null && child.exitCode === null && child.signalCode === null) {
        output(`[${name}] could not be told: ${error.message}`);
      }
    });
  }

  async function start<Ready>(name: string, part: PartStart<Ready>): Promise<Ready> {
    const { folder = name } = part;
    onStart(name);
    if (part.options instanceof Promise) onOthers.add(name);
    const { child, ready } = await launch<Ready>(name, folder, part.options);
    keepAlive(name, folder, child, { ...(await part.options), ...part.samePort(ready) });
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
          // A part that dies while it starts again dies like any other.
          if (error instanceof PartEnded) restart(error.how);
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
        const parts = [...running].filter(([name]) => onOthers.has(name) === isOnOthers);
        await Promise.all(parts.map(([name, child]) => end(name, child, output)));
      }
      running.clear();
    },
  };
}

/** The process of a part ended before the part could say whether it can start. */
class PartEnded extends Error {
  override name = 'PartEnded';
  readonly how: string;

  constructor(part: string, how: string) {
    super(`${part} could not start: it ended with ${how}`);
    this.how = how;
  }
}

function howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
  return signal ?? `exit code ${code}`;
}

/** What a part says first, or why it says nothing. */
function firstAnswer<Ready>(
  child: ChildProcess,
): Promise<PartMessage<Ready> | { type: 'ended'; how: string }> {
  return new Promise((resolve) => {
    child.once('message', (message) => resolve(message as PartMessage<Ready>));
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
