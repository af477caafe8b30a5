import { join } from 'node:path';

/** The file of the decoder's thread. In the bundle the build puts the name of the built file here. */
export const decoderFile = join(import.meta.dirname, 'decoder.ts');
