import { join } from 'node:path';
import { Piscina } from 'piscina';
import type { VectorSource } from '../storage/vectorPages.ts';
import type { Row } from './block.ts';
import type { Loaded, LoadRequest } from './load.ts';
import type { GalleryMemory } from './memory.ts';
import { createScan, type ScanRequest } from './scan.ts';
import type { Hit } from './shortlist.ts';

const count = 2;

/** Shared with each thread. */
export type ThreadData = { memory: WebAssembly.Memory; source: VectorSource | undefined };

/** A pool of threads that load and scan large collections. */
export function createThreads({ memory }: GalleryMemory, source: VectorSource | undefined) {
  let pool: Piscina<unknown, unknown> | undefined;

  function startPool() {
    return new Piscina<unknown, unknown>({
      filename: join(import.meta.dirname, 'worker.ts'),
      minThreads: count,
      maxThreads: count,
      workerData: { memory, source } satisfies ThreadData,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
  }

  const started = (): Piscina<unknown, unknown> => (pool ??= startPool());

  async function run(name: 'scan' | 'load', request: ScanRequest | LoadRequest): Promise<unknown> {
    return started().run(request, { name });
  }

  return {
    count,
    /** Starts the threads before the first request. */
    start: () => void started(),
    /** Scans on this thread, for requests that are too small to be worth a message. */
    scanHere: createScan(memory),
    scan: async (request: ScanRequest) => (await run('scan', request)) as Hit<Row>[][],
    load: async (request: LoadRequest) => (await run('load', request)) as Loaded,
    close: async (): Promise<void> => pool?.destroy(),
  };
}

export type GalleryThreads = ReturnType<typeof createThreads>;
