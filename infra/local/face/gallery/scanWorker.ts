import { workerData } from 'piscina';
import { createScan } from './scan.ts';

/** Runs in a thread of the pool, on the memory that all threads share. */
export const scan = createScan((workerData as { memory: WebAssembly.Memory }).memory);
