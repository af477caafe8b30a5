import { workerData } from 'piscina';
import { createLoad } from './load.ts';
import { createScan } from './scan.ts';
import type { ThreadData } from './threads.ts';

/* Runs in each thread of the pool, on the shared memory. */

const { memory, source } = workerData as ThreadData;
export const scan = createScan(memory);
export const load = createLoad(memory, source);
