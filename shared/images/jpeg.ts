/** Properties of a JPEG, read from its headers, that determine how it is decoded. */
export type JpegLayout = {
  /** Bytes that a decoder needs for the coefficients of the whole image; 0 for a JPEG that is decoded row by row. */
  coefficientBytes: number;
  /**
   * Whether every decoder accepts the JPEG: its first scan has the parameters that its kind requires, and an end marker
   * follows.
   */
  regular: boolean;
};

const marker = { start: 0xd8, end: 0xd9, scan: 0xda, progressive: 0xc2 };
/** Whether the marker is one of SOF0 to SOF15. DHT, JPG and DAC lie in that range but start no frame. */
const isFrame = (code: number): boolean => code >= 0xc0 && code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(code);
const coefficientBytesOfBlock = 64 * 2;

/** Reads the segments up to the first scan. Returns undefined when there is no scan or no frame before it. */
export function readJpegLayout(bytes: Uint8Array): JpegLayout | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let frame: { code: number; components: number; coefficientBytes: number } | undefined;
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) return undefined;
    const code = bytes[at + 1] ?? 0;
    // Skips fill bytes before a marker, and markers without a segment.
    if (code === 0xff) at += 1;
    else if (code === 0x01 || (code >= 0xd0 && code <= marker.start)) at += 2;
    else if (code === marker.end) return undefined;
    else {
      const next = at + 2 + view.getUint16(at + 2);
      if (isFrame(code) && next <= bytes.length) frame = readFrame(view, at, code);
      if (code === marker.scan)
        return frame === undefined || next > bytes.length ? undefined : readLayout(bytes, at, frame);
      at = next;
    }
  }
  return undefined;
}

function readFrame(view: DataView, at: number, code: number) {
  const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
  const components = Math.min(view.getUint8(at + 9), 4);
  const factors = Array.from({ length: components }, (_, index) => {
    const offset = at + 11 + index * 3;
    const both = offset < view.byteLength ? view.getUint8(offset) : 0x11;
    return { across: both >> 4, down: both & 15 };
  });
  const across = Math.max(1, ...factors.map((factor) => factor.across));
  const down = Math.max(1, ...factors.map((factor) => factor.down));
  const units = Math.ceil(width / (8 * across)) * Math.ceil(height / (8 * down));
  const blocks = factors.reduce((sum, factor) => sum + factor.across * factor.down, 0);
  return { code, components, coefficientBytes: units * blocks * coefficientBytesOfBlock };
}

function readLayout(
  bytes: Uint8Array,
  at: number,
  { code, components, coefficientBytes }: { code: number; components: number; coefficientBytes: number },
): JpegLayout {
  const scanned = bytes[at + 4] ?? 0;
  const parameters = at + 5 + scanned * 2;
  const [first, last, precision] = [bytes[parameters], bytes[parameters + 1], bytes[parameters + 2]];
  const progressive = code === marker.progressive;
  const regularScan = progressive ? first === 0 && last === 0 : first === 0 && last === 63 && precision === 0;
  const severalScans = progressive || scanned < components;
  return {
    coefficientBytes: severalScans ? coefficientBytes : 0,
    regular:
      regularScan &&
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).lastIndexOf(endOfImage) > parameters,
  };
}

const endOfImage = Buffer.from([0xff, marker.end]);
