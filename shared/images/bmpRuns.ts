import type { BmpHeader } from './bmpHeader.ts';
import { copyColour } from './bmpPalette.ts';

const escapes = { endOfLine: 0, endOfPicture: 1, jump: 2 };

export type RunTarget = { palette: Uint8Array; rgb: Uint8Array; put: (row: number) => void };

/**
 * Decodes runs, literals and jumps. Pixels that a jump or the end mark skips get the first colour of the palette: they
 * are background. A file without an end mark is damaged, and its rows without a pixel are missing: in a file whose tail
 * was never written, each two zero bytes are the end of an empty row.
 */
export class RunDecoder {
  readonly #header: BmpHeader;
  readonly #bytes: Uint8Array;
  readonly #target: RunTarget;
  #at: number;
  #x = 0;
  #row = 0;
  #isRowDrawn = false;
  #drawnRows = 0;
  #isEnded = false;

  constructor(header: BmpHeader, bytes: Uint8Array, target: RunTarget) {
    this.#header = header;
    this.#bytes = bytes;
    this.#target = target;
    this.#at = header.start;
  }

  /** Returns how many rows the file holds. */
  decode(): number {
    const { height } = this.#header;
    this.#blank();
    while (this.#at + 2 <= this.#bytes.length && this.#row < height) this.#step();
    // Emits the last row of a file that is truncated or has no end mark.
    if (this.#x > 0 && this.#row < height) this.#nextRows(1);
    return this.#isEnded || this.#isEndMark() ? height : this.#drawnRows;
  }

  #isEndMark(): boolean {
    return this.#bytes[this.#at] === 0 && this.#bytes[this.#at + 1] === escapes.endOfPicture;
  }

  #step(): void {
    const bytes = this.#bytes;
    const [count, second] = [bytes[this.#at] ?? 0, bytes[this.#at + 1] ?? 0];
    this.#at += 2;
    if (count > 0) this.#run(count, second);
    else if (second === escapes.endOfLine) this.#nextRows(1);
    else if (second === escapes.endOfPicture) this.#end();
    else if (second === escapes.jump) this.#jump(bytes[this.#at] ?? 0, bytes[this.#at + 1] ?? 0);
    else this.#literal(second);
  }

  #run(count: number, value: number): void {
    const colours = this.#header.bits === 8 ? [value, value] : [value >> 4, value & 15];
    for (let pixel = 0; pixel < count; pixel += 1) this.#draw(colours[pixel % 2] ?? 0);
  }

  #literal(count: number): void {
    const isByte = this.#header.bits === 8;
    for (let pixel = 0; pixel < count; pixel += 1) {
      const byte = this.#bytes[this.#at + (isByte ? pixel : pixel >> 1)] ?? 0;
      this.#draw(isByte ? byte : pixel % 2 === 0 ? byte >> 4 : byte & 15);
    }
    const length = isByte ? count : Math.ceil(count / 2);
    // Literals are padded to a whole word of two bytes.
    this.#at += length + (length % 2);
  }

  #jump(right: number, up: number): void {
    this.#at += 2;
    const column = this.#x + right;
    this.#nextRows(up);
    this.#x = column;
  }

  #end(): void {
    this.#isEnded = true;
    this.#nextRows(this.#header.height);
  }

  #draw(index: number): void {
    this.#isRowDrawn = true;
    if (this.#x < this.#header.width) copyColour(this.#target.palette, index, this.#target.rgb, this.#x);
    this.#x += 1;
  }

  #nextRows(count: number): void {
    const end = Math.min(this.#header.height, this.#row + count);
    for (; this.#row < end; this.#row += 1) {
      this.#target.put(this.#row);
      if (this.#isRowDrawn) this.#drawnRows += 1;
      this.#isRowDrawn = false;
      this.#x = 0;
      this.#blank();
    }
  }

  #blank(): void {
    const { palette, rgb } = this.#target;
    for (let x = 0; x < this.#header.width; x += 1) copyColour(palette, 0, rgb, x);
  }
}
