/* Writes BMP of every kind that Windows and OS/2 have. */

export type Pixel = readonly [red: number, green: number, blue: number];
export type PixelAt = (x: number, y: number) => Pixel;

export type BmpKind = {
  bits: 1 | 4 | 8 | 16 | 24 | 32;
  header?: 12 | 16 | 40 | 52 | 56 | 64 | 108 | 124;
  topDown?: boolean;
  masks?: readonly [number, number, number];
  runLength?: boolean;
  /** For pictures of 8 bits or fewer: index to colour. */
  palette?: readonly Pixel[];
};

type Writer = { width: number; height: number; kind: BmpKind };

/** The colour of a pixel; for kinds with a palette the nearest of it. */
export function writeBmp(width: number, height: number, kind: BmpKind, at: PixelAt): Buffer {
  const { bits, header = 40, topDown = false, runLength = false, masks, palette = [] } = kind;
  const core = header === 12;
  const entries = bits <= 8 ? 2 ** bits : 0;
  const colours = Buffer.alloc(entries * (core ? 3 : 4));
  for (const [index, [red, green, blue]] of palette.entries()) {
    colours.set([blue, green, red], index * (core ? 3 : 4));
  }
  const extraMasks = masks !== undefined && header === 40 ? 12 : 0;
  const head = Buffer.alloc(14 + header + extraMasks);
  const rows = Array.from({ length: height }, (_, index) => (topDown ? index : height - 1 - index));
  const writer = { width, height, kind };
  const pixels = Buffer.concat(
    runLength
      ? [...rows.map((y) => runsOf(writer, y, at)), Buffer.from([0, 1])]
      : rows.map((y) => plainRow(writer, y, at)),
  );
  const start = head.length + colours.length;
  head.write('BM');
  head.writeUInt32LE(start + pixels.length, 2);
  head.writeUInt32LE(start, 10);
  head.writeUInt32LE(header, 14);
  if (core) {
    head.writeUInt16LE(width, 18);
    head.writeUInt16LE(height, 20);
    head.writeUInt16LE(1, 22);
    head.writeUInt16LE(bits, 24);
  } else {
    head.writeInt32LE(width, 18);
    head.writeInt32LE(topDown ? -height : height, 22);
    head.writeUInt16LE(1, 26);
    head.writeUInt16LE(bits, 28);
    if (header > 16) head.writeUInt32LE(masks !== undefined ? 3 : runLength ? (bits === 8 ? 1 : 2) : 0, 30);
    for (const [index, mask] of (masks ?? []).entries()) head.writeUInt32LE(mask, 54 + index * 4);
  }
  return Buffer.concat([head, colours, pixels]);
}

function plainRow({ width, kind }: Writer, y: number, at: PixelAt): Buffer {
  const { bits, masks } = kind;
  const row = Buffer.alloc(Math.ceil((width * bits) / 32) * 4);
  for (let x = 0; x < width; x += 1) {
    const [red, green, blue] = at(x, y);
    if (bits === 24) row.set([blue, green, red], x * 3);
    else if (bits === 16 || bits === 32) {
      const usual = bits === 16 ? ([0x7c00, 0x3e0, 0x1f] as const) : ([0xff0000, 0xff00, 0xff] as const);
      const value = masked([red, green, blue], masks ?? usual);
      if (bits === 16) row.writeUInt16LE(value, x * 2);
      else row.writeUInt32LE(value, x * 4);
    } else {
      const byte = Math.floor((x * bits) / 8);
      const shift = 8 - bits * ((x % (8 / bits)) + 1);
      row[byte] = (row[byte] ?? 0) | (indexOf(kind, [red, green, blue]) << shift);
    }
  }
  return row;
}

function masked(pixel: Pixel, masks: readonly [number, number, number]): number {
  let value = 0;
  for (const [index, mask] of masks.entries()) {
    const shift = 31 - Math.clz32(mask & -mask);
    value += Math.round(((pixel[index] ?? 0) / 255) * (mask >>> shift)) * 2 ** shift;
  }
  return value;
}

function indexOf({ palette = [] }: BmpKind, [red, green, blue]: Pixel): number {
  const distances = palette.map(([r, g, b]) => Math.abs(r - red) + Math.abs(g - green) + Math.abs(b - blue));
  return distances.indexOf(Math.min(...distances));
}

/** Runs of two and more, literals of three and more, the rest as runs of one. */
function runsOf({ width, kind }: Writer, y: number, at: PixelAt): Buffer {
  const four = kind.bits === 4;
  const indexes = Array.from({ length: width }, (_, x) => indexOf(kind, at(x, y)));
  const bytes: number[] = [];
  const pair = (index: number) => (four ? index * 17 : index);
  const lengthOfRun = (from: number) => {
    let end = from + 1;
    while (end < width && indexes[end] === indexes[from] && end - from < 255) end += 1;
    return end - from;
  };
  for (let x = 0; x < width;) {
    let literal = 0;
    while (x + literal < width && literal < 254 && lengthOfRun(x + literal) === 1) literal += 1;
    if (literal >= 3) {
      const values = indexes.slice(x, x + literal);
      bytes.push(0, literal);
      const packed = four
        ? Array.from(
            { length: Math.ceil(literal / 2) },
            (_, i) => ((values[i * 2] ?? 0) << 4) | (values[i * 2 + 1] ?? 0),
          )
        : values;
      bytes.push(...packed, ...(packed.length % 2 === 1 ? [0] : []));
      x += literal;
    } else {
      const length = lengthOfRun(x);
      bytes.push(length, pair(indexes[x] ?? 0));
      x += length;
    }
  }
  return Buffer.from([...bytes, 0, 0]);
}
