import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The functions of kernel.wat, which documents them. All numbers are addresses or counts. */
export type Kernel = {
  score(
    rows: number,
    rowCount: number,
    width: number,
    scales: number,
    biases: number,
    probes: number,
    probeCount: number,
    scores: number,
  ): void;
  quantise(floats: number, width: number, row: number, scale: number, bias: number): number;
};

export function createKernel(memory: WebAssembly.Memory): Kernel {
  const module = new WebAssembly.Module(readFileSync(join(import.meta.dirname, 'kernel.wasm')));
  return new WebAssembly.Instance(module, { gallery: { memory } }).exports as Kernel;
}
