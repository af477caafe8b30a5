import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { endMessage } from '../../emulators/common/childProcess.ts';
import { forkEmulator } from '../../emulators/stack/emulatorProcess.ts';

/** A part of the embedded stack as the process that the stack would run. */
export type EmulatorProcess<Ready> = {
  ready: Ready;
  child: ChildProcess;
  kill(): Promise<void>;
  stop(): Promise<void>;
};

/** @throws Error with the reason that the emulator gives */
export async function startEmulatorProcess<Ready>(
  emulator: string,
  options: object,
): Promise<EmulatorProcess<Ready>> {
  const child = forkEmulator(resolve('emulators', emulator, 'main.ts'), [
    'ignore',
    'ignore',
    'inherit',
    'ipc',
  ]);
  child.send(options);
  const [message] = (await once(child, 'message')) as [
    { type: 'ready'; ready: Ready } | { type: 'failed'; reason: string },
  ];
  if (message.type === 'failed') throw new Error(message.reason);
  const end = async (tell: () => boolean): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    tell();
    await exited;
  };
  return {
    ready: message.ready,
    child,
    kill: () => end(() => child.kill('SIGKILL')),
    // As on Windows; where there are signals, the stack sends SIGTERM.
    stop: () => end(() => child.send(endMessage)),
  };
}
