import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { TestProject } from 'vitest/node';
import { startStack, type Endpoints } from '../../emulators/stack/stack.ts';
import { quickSettings } from './quickSettings.ts';
import { temporaryFolder } from './temporary.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    sharedStack: {
      endpoints: Endpoints;
      dataDir: string;
      logFile: string;
      processes: Record<string, number>;
    };
  }
}

/** Starts the stack that the files of `test/app` share, before the first of them. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await temporaryFolder();
  const logFile = join(folder.path, 'log');
  const log = createWriteStream(logFile);
  const stack = await startStack({
    port: 0,
    dataDir: join(folder.path, 'data'),
    faceTps: 'none',
    output: (line) => void log.write(`${line}\n`),
    settings: {
      ...quickSettings,
      // An erasure waits until no call can land any more: a multiple of this.
      FACE_TIMEOUT_SECONDS: '8',
      ROLLCALL_TELEMETRY: 'console',
      OTEL_METRIC_EXPORT_INTERVAL: '5000',
    },
  });
  provide('sharedStack', {
    endpoints: stack.endpoints,
    dataDir: stack.dataDir,
    logFile,
    processes: stack.processes(),
  });
  return async () => {
    await stack.stop();
    log.end();
    await finished(log);
    await folder.remove();
  };
}
