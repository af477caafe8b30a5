import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockFolder } from '../common/folderLock.ts';
import { claimVersion } from '../common/folderVersion.ts';
import { startLoadBalancer, type LoadBalancer } from './loadBalancer.ts';
import { startEmulators, type EmulatorsOptions, type Endpoints } from './startEmulators.ts';
import { superviseEmulators } from './supervisor.ts';

export type { Endpoints } from './startEmulators.ts';

export type StackOptions = EmulatorsOptions & {
  /** Called with each line of output of the emulators. */
  output: (line: string) => void;
  /** Called with the name of each emulator when its start begins. */
  onStart?: (emulator: string) => void;
};

export type Stack = {
  endpoints: Endpoints;
  dataDir: string;
  /** The process IDs of the emulators, by name of the emulator. */
  processes(): Record<string, number>;
  /** Resolves with a sentence when the stack has to end because an emulator cannot be kept running. */
  failure: Promise<string>;
  stop(): Promise<void>;
  tell(emulator: string, message: object): void;
  /** Kills every emulator at once, as a loss of the machine would. */
  kill(): void;
};

/** The folders of the emulators in the data folder. */
const folders = ['storage', 'service-bus', 'face', 'functions-host'];

/**
 * Starts the emulators that stand in for the cloud services, each as a separate process, and the pipeline on them.
 * @throws Error that names the emulator that could not start, and why; the others are stopped
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const endpointsFile = join(dataDir, 'endpoints.json');
  const unlock = lockFolder(dataDir, 'stack');
  const supervisor = superviseEmulators(options.output, options.onStart);
  let balancer: LoadBalancer | undefined;
  try {
    claimVersion(dataDir, folders);
    await rm(endpointsFile, { force: true });
    const { endpoints, hosts } = await startEmulators(supervisor, { ...options, dataDir });
    if (hosts.length > 1) {
      balancer = await startLoadBalancer(options.port, hosts);
      endpoints.http = balancer.url;
    }
    await writeFile(`${endpointsFile}.new`, `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
    await rename(`${endpointsFile}.new`, endpointsFile);
    return {
      endpoints,
      dataDir,
      processes: supervisor.processes,
      failure: supervisor.failure,
      async stop() {
        await rm(endpointsFile, { force: true });
        balancer?.close();
        await supervisor.stop();
        unlock();
      },
      tell: supervisor.tell,
      kill() {
        balancer?.close();
        supervisor.kill();
        unlock();
      },
    };
  } catch (error) {
    balancer?.close();
    await supervisor.stop();
    unlock();
    throw error;
  }
}
