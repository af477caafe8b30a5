import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { endMessage } from '../../emulators/common/childProcess.ts';
import { forkPart } from '../../emulators/stack/supervisor.ts';

/** A part of the embedded stack as the process that the stack would run. */
export type PartProcess<Ready> = {
  ready: Ready;
  child: ChildProcess;
  kill(): Promise<void>;
  stop(): Promise<void>;
};

/** @throws Error with the reason that the part gives */
export async function startPartProcess<Ready>(part: string, options: object): Promise<PartProcess<Ready>> {
  const child = forkPart(resolve('emulators', part, 'main.ts'), ['ignore', 'ignore', 'inherit', 'ipc']);
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
