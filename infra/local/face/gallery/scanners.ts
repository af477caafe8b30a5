import { join } from 'node:path';
import { Piscina } from 'piscina';
import { createScan, type ScanRequest } from './scan.ts';
import type { GalleryMemory } from './memory.ts';
import type { Hit } from './shortlist.ts';
import type { Row } from './block.ts';

const threads = 2;

/** Those who look through a gallery: this thread for the small, threads that start with the first large one. */
export function createScanners({ memory }: GalleryMemory) {
  const here = createScan(memory);
  let pool: Piscina<ScanRequest, Hit<Row>[][]> | undefined;

  function startPool() {
    return new Piscina<ScanRequest, Hit<Row>[][]>({
      filename: join(import.meta.dirname, 'scanWorker.ts'),
      name: 'scan',
      minThreads: threads,
      maxThreads: threads,
      workerData: { memory },
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
  }

  return {
    here,
    elsewhere(request: ScanRequest): Promise<Hit<Row>[][]> {
      pool ??= startPool();
      return pool.run(request);
    },
    threads,
    close: async (): Promise<void> => pool?.destroy(),
  };
}

export type Scanners = ReturnType<typeof createScanners>;
