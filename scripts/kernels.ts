import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import wabt from 'wabt';

/* Assembles the inner loops that are written in WebAssembly. A test compares the results, which are checked in. */

const face = join(import.meta.dirname, '../emulators/face');

/** Sources in the text format of WebAssembly. */
export const kernels = [join(face, 'gallery/kernel.wat'), join(face, 'models/image/pixels.wat')];

/** The assembled file beside a source; it is the one that is loaded. */
export const assembledFile = (file: string): string => file.replace(/\.wat$/, '.wasm');

export async function assemble(file: string): Promise<Uint8Array> {
  const { parseWat } = await wabt();
  const features = { simd: true, relaxed_simd: true, threads: true };
  return parseWat(file, readFileSync(file, 'utf8'), features).toBinary({}).buffer;
}

if (import.meta.main) {
  for (const file of kernels) writeFileSync(assembledFile(file), await assemble(file));
}
