import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import wabt from 'wabt';

/* Assembles the inner loop of the gallery. The result is checked in; a test says when it is out of date. */

const folder = join(import.meta.dirname, '../infra/local/face/gallery');

export async function assembleKernel(): Promise<Uint8Array> {
  const { parseWat } = await wabt();
  const features = { simd: true, relaxed_simd: true, threads: true };
  const module = parseWat('kernel.wat', readFileSync(join(folder, 'kernel.wat'), 'utf8'), features);
  return module.toBinary({}).buffer;
}

if (import.meta.main) writeFileSync(join(folder, 'kernel.wasm'), await assembleKernel());
