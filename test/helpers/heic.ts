/*
 * Writes HEIC: one HEVC picture whose blocks hold their samples as they are (I_PCM), in the boxes that a phone writes.
 * No encoder of HEVC is on npm.
 */

export type Yuv = readonly [y: number, cb: number, cr: number];
export type HeicOptions = {
  /** Quarter turns, counter-clockwise, that a reader has to make. */
  turns?: 0 | 1 | 2 | 3;
};

const block = 16;

class Bits {
  readonly #bytes: number[] = [];
  #current = 0;
  #count = 0;

  put(value: number, length: number): this {
    for (let bit = length - 1; bit >= 0; bit -= 1) {
      this.#current = (this.#current << 1) | (Math.floor(value / 2 ** bit) & 1);
      this.#count += 1;
      if (this.#count < 8) continue;
      this.#bytes.push(this.#current);
      this.#current = 0;
      this.#count = 0;
    }
    return this;
  }

  /** Unsigned Exp-Golomb codes. */
  codes(...values: number[]): this {
    for (const value of values) {
      const length = 32 - Math.clz32(value + 1);
      this.put(0, length - 1).put(value + 1, length);
    }
    return this;
  }

  align(): this {
    return this.#count === 0 ? this : this.put(0, 8 - this.#count);
  }

  /** The stop bit, and zeros to the end of the byte. */
  trailing(): this {
    return this.put(1, 1).align();
  }

  get bytes(): number[] {
    return this.#bytes;
  }
}

/** The arithmetic coder, as far as such a slice needs it: one context, in which the likelier value always comes. */
class Coder {
  readonly #bits: Bits;
  #state = 0;
  #low = 0;
  #range = 510;
  #first = true;
  #outstanding = 0;

  constructor(bits: Bits) {
    this.#bits = bits;
  }

  likely(): void {
    this.#range -= leastRanges[this.#state] ?? 0;
    this.#state = Math.min(62, this.#state + 1);
  }

  terminate(last: boolean): void {
    this.#range -= 2;
    if (!last) return;
    this.#low += this.#range;
    this.#range = 2;
    while (this.#range < 256) this.#shift();
    this.#bit((this.#low >> 9) & 1);
    this.#bits.put(((this.#low >> 7) & 3) | 1, 2);
    [this.#low, this.#range, this.#first, this.#outstanding] = [0, 510, true, 0];
  }

  #shift(): void {
    if (this.#low < 256) this.#bit(0);
    else if (this.#low >= 512) {
      this.#low -= 512;
      this.#bit(1);
    } else {
      this.#low -= 256;
      this.#outstanding += 1;
    }
    this.#low *= 2;
    this.#range *= 2;
  }

  #bit(value: number): void {
    if (this.#first) this.#first = false;
    else this.#bits.put(value, 1);
    for (; this.#outstanding > 0; this.#outstanding -= 1) this.#bits.put(1 - value, 1);
  }
}

/** Ranges of the unlikelier value in each state, where the range of both is at its largest. */
const leastRanges = [
  ...[240, 227, 216, 205, 195, 185, 175, 166, 158, 150, 142, 135, 128, 122, 116, 110, 104, 99, 94, 89, 85],
  ...[80, 76, 72, 69, 65, 62, 59, 56, 53, 50, 48, 45, 43, 41, 39, 37, 35, 33, 31, 30, 28, 27, 25, 24, 23],
  ...[22, 21, 20, 19, 18, 17, 16, 15, 14, 14, 13, 12, 12, 11, 11, 10, 9],
];

const level = 93;

function profile(bits: Bits): Bits {
  return bits.put(0x01, 8).put(0x60000000, 32).put(0x90, 8).put(0, 40).put(level, 8);
}

function videoParameters(): Bits {
  const bits = new Bits().put(0, 4).put(3, 2).put(0, 6).put(0, 3).put(1, 1).put(0xffff, 16);
  return profile(bits).put(1, 1).codes(0, 0, 0).put(0, 6).codes(0).put(0, 2).trailing();
}

function sequenceParameters(width: number, height: number): Bits {
  const bits = profile(new Bits().put(0, 4).put(0, 3).put(1, 1)).codes(0, 1, width, height).put(0, 1);
  bits.codes(0, 0, 0).put(1, 1).codes(0, 0, 0);
  // Coding blocks of 16, transforms of 4 to 16.
  bits.codes(1, 0, 0, 2, 0, 0).put(0, 3);
  // Samples of 8 bits as they are, in blocks of 16, without a filter.
  bits.put(1, 1).put(7, 4).put(7, 4).codes(1, 0).put(1, 1);
  return bits.codes(0).put(0, 5).trailing();
}

function pictureParameters(): Bits {
  const bits = new Bits().codes(0, 0).put(0, 7).codes(0, 0, 0).put(0, 3).codes(0, 0);
  // No deblocking.
  return bits.put(0, 7).put(0b101, 3).put(0, 2).codes(0).put(0, 2).trailing();
}

function slice(width: number, height: number, at: (x: number, y: number) => Yuv): Bits {
  const bits = new Bits().put(0b10, 2).codes(0, 2, 0).trailing();
  const coder = new Coder(bits);
  for (let y = 0; y < height; y += block) {
    for (let x = 0; x < width; x += block) {
      coder.likely();
      coder.terminate(true);
      bits.align();
      for (const [channel, step] of [
        [0, 1],
        [1, 2],
        [2, 2],
      ] as const)
        for (let row = 0; row < block; row += step)
          for (let column = 0; column < block; column += step) bits.put(at(x + column, y + row)[channel], 8);
      coder.terminate(x + block >= width && y + block >= height);
    }
  }
  return bits.align();
}

function unit(type: number, { bytes }: Bits): Buffer {
  const escaped: number[] = [];
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros === 2 && byte <= 3) {
      escaped.push(3);
      zeros = 0;
    }
    escaped.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Buffer.from([type << 1, 1, ...escaped]);
}

const be = (value: number, length: 1 | 2 | 4): Buffer => {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
};

function box(type: string, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([be(content.length + 8, 4), Buffer.from(type), content]);
}

const fullBox = (type: string, version: number, ...parts: Buffer[]): Buffer =>
  box(type, Buffer.from([version, 0, 0, 0]), ...parts);

/** A HEIC of these samples; sides are multiples of 16. */
export function writeHeic(
  width: number,
  height: number,
  at: (x: number, y: number) => Yuv,
  { turns = 0 }: HeicOptions = {},
): Buffer {
  const parameters = [
    [32, videoParameters()],
    [33, sequenceParameters(width, height)],
    [34, pictureParameters()],
  ] as const;
  const configuration = Buffer.concat([
    Buffer.from([
      1,
      0x01,
      0x60,
      0,
      0,
      0,
      0x90,
      0,
      0,
      0,
      0,
      0,
      level,
      0xf0,
      0,
      0xfc,
      0xfd,
      0xf8,
      0xf8,
      0,
      0,
      0x0f,
      3,
    ]),
    ...parameters.map(([type, bits]) => {
      const bytes = unit(type, bits);
      return Buffer.concat([be(0x80 | type, 1), be(1, 2), be(bytes.length, 2), bytes]);
    }),
  ]);
  const properties = [
    box('hvcC', configuration),
    fullBox('ispe', 0, be(width, 4), be(height, 4)),
    box('colr', Buffer.from('nclx'), be(1, 2), be(13, 2), be(6, 2), be(0x80, 1)),
    ...(turns === 0 ? [] : [box('irot', be(turns, 1))]),
  ];
  const associations = properties.map((_, index) =>
    be((index === 0 || index === 3 ? 0x80 : 0) | (index + 1), 1),
  );
  const picture = unit(20, slice(width, height, at));
  const media = box('mdat', be(picture.length, 4), picture);
  const type = box('ftyp', Buffer.from('heic'), be(0, 4), Buffer.from('mif1heic'));
  const meta = (offset: number): Buffer =>
    fullBox(
      'meta',
      0,
      fullBox('hdlr', 0, be(0, 4), Buffer.from('pict'), Buffer.alloc(13)),
      fullBox('pitm', 0, be(1, 2)),
      fullBox(
        'iloc',
        0,
        be(0x4400, 2),
        be(1, 2),
        be(1, 2),
        be(0, 2),
        be(1, 2),
        be(offset, 4),
        be(picture.length + 4, 4),
      ),
      fullBox('iinf', 0, be(1, 2), fullBox('infe', 2, be(1, 2), be(0, 2), Buffer.from('hvc1\0'))),
      box(
        'iprp',
        box('ipco', ...properties),
        fullBox('ipma', 0, be(1, 4), be(1, 2), be(properties.length, 1), ...associations),
      ),
    );
  const start = type.length + meta(0).length + 8;
  return Buffer.concat([type, meta(start), media]);
}
