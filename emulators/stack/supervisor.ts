import type { ChildProcess } from 'node:child_process';
import {
  EmulatorEnded,
  endProcess,
  sendMessage,
  startProcess,
  untilExit,
  untilReady,
} from './emulatorProcess.ts';

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

type Emulators = {
  running: Map<string, ChildProcess>;
  /** The last message to each emulator. */
  told: Map<string, object>;
  /** The emulators whose options depend on other emulators. */
  onOthers: Set<string>;
  isStopping: boolean;
  fail: (reason: string) => void;
  output: (line: string) => void;
};

/**
 * Runs the emulators as processes. An emulator that dies is started again with its data and its port, as the cloud
 * would do. When an emulator dies too often or cannot be restarted, `failure` resolves with the reason. Emulators whose
 * options depend on other emulators are stopped before the other emulators.
 */
export function superviseEmulators(
  output: (line: string) => void,
  onStart: (name: string) => void = () => undefined,
): Supervisor {
  const { promise: failure, resolve: fail } = Promise.withResolvers<string>();
  const emulators: Emulators = {
    running: new Map(),
    told: new Map(),
    onOthers: new Set(),
    isStopping: false,
    fail,
    output,
  };
  const { running, told } = emulators;
  return {
    failure,
    start(name, emulator) {
      onStart(name);
      return start(emulators, name, emulator);
    },
    tell(name, message) {
      told.set(name, message);
      const child = running.get(name);
      if (child !== undefined) sendMessage(name, child, message, output);
    },
    processes: () => Object.fromEntries([...running].map(([name, child]) => [name, child.pid ?? 0])),
    kill() {
      emulators.isStopping = true;
      for (const child of running.values()) child.kill('SIGKILL');
    },
    stop: () => stopAll(emulators),
  };
}

async function start<Ready>(
  emulators: Emulators,
  name: string,
  { folder = name, options, samePort }: EmulatorStart<Ready>,
): Promise<Ready> {
  if (options instanceof Promise) emulators.onOthers.add(name);
  const { child, ready } = await launch<Ready>(emulators, name, folder, options);
  const restartOptions = { ...(await options), ...samePort(ready) };
  void keepAlive(emulators, name, child, () => launch(emulators, name, folder, restartOptions));
  return ready;
}

async function launch<Ready>(
  { running, output }: Emulators,
  name: string,
  folder: string,
  options: object | Promise<object>,
): Promise<{ child: ChildProcess; ready: Ready }> {
  const child = startProcess(name, folder, output);
  running.set(name, child);
  return { child, ready: await untilReady<Ready>(name, child, options, output) };
}

async function keepAlive(
  emulators: Emulators,
  name: string,
  first: ChildProcess,
  relaunch: () => Promise<{ child: ChildProcess }>,
): Promise<void> {
  const { running, told, fail, output } = emulators;
  const mayRestart = limitRestarts();
  let exit = untilExit(first);
  for (;;) {
    const how = await exit;
    running.delete(name);
    if (emulators.isStopping) return;
    output(`[${name}] ended with ${how}; it is started again`);
    if (!mayRestart()) return fail(`${name} ended more than ${restartsAMinute} times within a minute`);
    try {
      const { child } = await relaunch();
      exit = untilExit(child);
      const message = told.get(name);
      if (message !== undefined) sendMessage(name, child, message, output);
    } catch (error) {
      // An emulator that dies during a restart is restarted too, and the restart counts.
      if (!(error instanceof EmulatorEnded))
        return fail(error instanceof Error ? error.message : String(error));
      exit = Promise.resolve(error.how);
    }
  }
}

async function stopAll(emulators: Emulators): Promise<void> {
  const { running, onOthers, output } = emulators;
  emulators.isStopping = true;
  for (const isOnOthers of [true, false]) {
    const ending = [...running].filter(([name]) => onOthers.has(name) === isOnOthers);
    await Promise.all(ending.map(([name, child]) => endProcess(name, child, output)));
  }
  running.clear();
}

/** Returns a function that counts a restart, and says whether the restart is allowed. */
function limitRestarts(): () => boolean {
  let restarts: number[] = [];
  return () => {
    restarts = [...restarts.filter((at) => at > Date.now() - 60_000), Date.now()];
    return restarts.length <= restartsAMinute;
  };
}
