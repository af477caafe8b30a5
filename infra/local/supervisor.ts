import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { PartMessage } from './part.ts';

export type PartStart<Ready> = {
  /** The folder of the part, where it is not its name: several instances of one part. */
  folder?: string;
  options: object;
  /** What to add to the options at a restart, so that the part answers where it answered before. */
  samePort: (ready: Ready) => object;
  whenReady?: (ready: Ready) => Promise<void>;
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

/**
 * Runs the parts as processes. A part that dies is started again on its data and its port; when it dies too often
 * or cannot start, `failure` says so. Parts end in the reverse order of their start.
 */
export function superviseParts(
  output: (line: string) => void,
  onStart: (name: string) => void = () => undefined,
): Supervisor {
  const running = new Map<string, ChildProcess>();
  const told = new Map<string, object>();
  let stopping = false;
  const failed = Promise.withResolvers<string>();

  async function launch<Ready>(
    name: string,
    folder: string,
    options: object,
  ): Promise<{ child: ChildProcess; ready: Ready }> {
    const file = join(import.meta.dirname, folder, 'main.ts');
    const child = fork(file, [JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning', '--enable-source-maps'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => output(`[${name}] ${line}`));
    }
    running.set(name, child);
    const ready = await readiness<Ready>(name, child);
    return { child, ready };
  }

  async function start<Ready>(name: string, part: PartStart<Ready>): Promise<Ready> {
    const { folder = name } = part;
    onStart(name);
    const { child, ready } = await launch<Ready>(name, folder, part.options);
    await part.whenReady?.(ready);
    keepAlive(name, folder, child, { ...part.options, ...part.samePort(ready) });
    return ready;
  }

  function keepAlive(name: string, folder: string, first: ChildProcess, options: object): void {
    const restarts: number[] = [];
    const watch = (child: ChildProcess): void => {
      child.once('exit', (code, signal) => {
        running.delete(name);
        if (stopping) return;
        output(`[${name}] ended with ${signal ?? `exit code ${code}`}; it is started again`);
        restarts.push(Date.now());
        if (restarts.filter((at) => at > Date.now() - 60_000).length > restartsAMinute) {
          failed.resolve(`${name} ended more than ${restartsAMinute} times within a minute`);
          return;
        }
        launch(name, folder, options).then(
          (again) => {
            watch(again.child);
            const message = told.get(name);
            if (message !== undefined) again.child.send(message);
          },
          (error: unknown) => failed.resolve(error instanceof Error ? error.message : String(error)),
        );
      });
    };
    watch(first);
  }

  return {
    start,
    tell(name, message) {
      told.set(name, message);
      running.get(name)?.send(message);
    },
    processes: () => Object.fromEntries([...running].map(([name, child]) => [name, child.pid ?? 0])),
    failure: failed.promise,
    kill() {
      stopping = true;
      for (const child of running.values()) child.kill('SIGKILL');
    },
    async stop() {
      stopping = true;
      for (const [name, child] of [...running].toReversed()) await end(name, child, output);
      running.clear();
    },
  };
}

async function readiness<Ready>(name: string, child: ChildProcess): Promise<Ready> {
  const answer = new Promise<PartMessage<Ready>>((resolve) => {
    child.once('message', (message) => resolve(message as PartMessage<Ready>));
    child.once('exit', (code) => resolve({ type: 'failed', reason: `it ended with exit code ${code}` }));
    child.once('error', (error) => resolve({ type: 'failed', reason: error.message }));
  });
  const message = await answer;
  if (message.type === 'ready') return message.ready;
  throw new Error(`${name} could not start: ${message.reason}`);
}

async function end(name: string, child: ChildProcess, output: (line: string) => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => {
    output(`[${name}] did not end within ${graceMs / 1_000} s and is killed`);
    child.kill('SIGKILL');
  }, graceMs);
  await exited;
  clearTimeout(killer);
}
