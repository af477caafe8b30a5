import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The loops of pixels.wat, whose comments say what they do. Addresses, counts and numbers. */
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
/** 4 GiB, the most there can be. */
const mostPages = 65_536;
/** The loops read and write so many bytes beyond what they were given. */
const margin = 64;

const module = new WebAssembly.Module(readFileSync(join(import.meta.dirname, 'pixels.wasm')));

/** Memory for the pixels and crops of one picture at a time, and the loops over it. */
export class PixelMemory {
  readonly #memory = new WebAssembly.Memory<false>({ initial: 1, maximum: mostPages });
  readonly loops: PixelLoops;

  constructor() {
    const instance = new WebAssembly.Instance(module, { picture: { memory: this.#memory } });
    this.loops = instance.exports as PixelLoops;
  }

  get byteLength(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Makes the memory reach up to an address; what was read of it before may no longer be. @throws RangeError */
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
