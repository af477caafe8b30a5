import { join } from 'node:path';

/** The folder of files that need not be made at each start. The files can be made again at any time. */
export const cacheFolder = join(import.meta.dirname, '../../node_modules/.cache/rollcall');
