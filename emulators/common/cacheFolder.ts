import { join } from 'node:path';

/** What can be made again at any time, and need not be made at each start. */
export const cacheFolder = join(import.meta.dirname, '../../node_modules/.cache/rollcall');
