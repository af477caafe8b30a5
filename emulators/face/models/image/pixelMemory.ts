import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The functions of pixels.wat, which documents them. */
type PixelLoops = {
  spread(from: number, count: number, to: number): void;
  halve(from: number, width: number, height: number, to: number): void;
  cut(
    ...numbers: [
      ...[from: number, width: number, height: number],
      ...[a: number, b: number, c: number, d: number],
      ...[to: number, columns: number, rows: number],
      scale: number,
      ...[shiftRed: number, shiftGreen: number, shiftBlue: number],
      ...[beyondRed: number, beyondGreen: number, beyondBlue: number],
    ]
  ): void;
};

const pageBytes = 65_536;
/** 4 GiB, the limit of WebAssembly. */
const mostPages = 65_536;
/** The loops read and write up to this number of bytes beyond their data. */
const margin = 64;

const module = new WebAssembly.Module(readFileSync(join(import.meta.dirname, 'pixels.wasm')));

/** Memory for the pixels and crops of one image at a time, and the loops over it. */
export class PixelMemory {
  readonly #memory = new WebAssembly.Memory<false>({ initial: 1, maximum: mostPages });
  readonly loops: PixelLoops;

  constructor() {
    const instance = new WebAssembly.Instance(module, { pixels: { memory: this.#memory } });
    this.loops = instance.exports as PixelLoops;
  }

  get byteLength(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Grows the memory up to an address, which invalidates earlier views. @throws RangeError beyond 4 GiB */
  reach(end: number): void {
    const missing = Math.ceil((end + margin - this.byteLength) / pageBytes);
    if (missing > 0) this.#memory.grow(missing);
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, length);
  }

  floats(address: number, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#memory.buffer, address, length);
  }
}
