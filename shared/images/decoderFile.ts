import { join } from 'node:path';

/** The entry point of the decoder thread. In the bundle, the build replaces this path with that of the built file. */
export const decoderFile = join(import.meta.dirname, 'decoder.ts');
