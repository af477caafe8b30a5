import type { Size } from './formats.ts';

/** Pixels in RGB, 8 bits per channel, row by row from the top. */
export type RawImage = Size & { data: Uint8Array<ArrayBuffer> };

/**
 * Collects the rows of an image and shrinks them by a whole factor as they arrive, so that a very large image is never
 * in memory at full size. Rows arrive from the top or from the bottom, each at most once.
 */
export class ShrinkingRows {
  readonly #source: Size;
  readonly #factor: number;
  readonly #image: RawImage;
  readonly #sums: Uint32Array;
  #collecting = -1;
  #collected = 0;

  constructor(source: Size, factor: number) {
    const [width, height] = [Math.ceil(source.width / factor), Math.ceil(source.height / factor)];
    this.#source = source;
    this.#factor = factor;
    this.#image = { width, height, data: new Uint8Array(width * height * 3) };
    this.#sums = new Uint32Array(factor === 1 ? 0 : width * 3);
  }

  add(y: number, rgb: Uint8Array): void {
    if (this.#factor === 1) {
      this.#image.data.set(rgb, y * this.#source.width * 3);
      return;
    }
    const row = Math.floor(y / this.#factor);
    if (row !== this.#collecting) this.#finishRow();
    this.#collecting = row;
    this.#collected += 1;
    this.#sum(rgb);
  }

  finish(): RawImage {
    if (this.#factor !== 1) this.#finishRow();
    return this.#image;
  }

  #sum(rgb: Uint8Array): void {
    const [sums, factor] = [this.#sums, this.#factor];
    let from = 0;
    for (let to = 0; to < sums.length; to += 3) {
      const end = Math.min(rgb.length, from + factor * 3);
      for (; from < end; from += 3) {
        sums[to] = (sums[to] ?? 0) + (rgb[from] ?? 0);
        sums[to + 1] = (sums[to + 1] ?? 0) + (rgb[from + 1] ?? 0);
        sums[to + 2] = (sums[to + 2] ?? 0) + (rgb[from + 2] ?? 0);
      }
    }
  }

  #finishRow(): void {
    if (this.#collected === 0) return;
    const { width, data } = this.#image;
    const start = this.#collecting * width * 3;
    for (let x = 0; x < width; x += 1) {
      const columns = Math.min(this.#factor, this.#source.width - x * this.#factor);
      const pixels = columns * this.#collected;
      for (let channel = x * 3; channel < x * 3 + 3; channel += 1) {
        data[start + channel] = Math.round((this.#sums[channel] ?? 0) / pixels);
      }
    }
    this.#sums.fill(0);
    this.#collected = 0;
  }
}
