const hex = '0123456789abcdef';
const hexValues = new Int8Array(256).fill(-1);
for (let value = 0; value < 16; value += 1) hexValues[hex.charCodeAt(value)] = value;

/** The length of a UUID in ASCII. */
export const uuidLength = 36;

/**
 * Writes the 16 bytes of a UUID in lower-case ASCII, without making a string, since a collection may have a million.
 * @throws Error when the text is no UUID
 */
export function writeUuid(text: Uint8Array, from: number, into: Uint8Array, at: number): void {
  let place = from;
  for (let byte = 0; byte < 16; byte += 1) {
    if (byte === 4 || byte === 6 || byte === 8 || byte === 10) place += 1;
    const high = hexValues[text[place] ?? 0] ?? -1;
    const low = hexValues[text[place + 1] ?? 0] ?? -1;
    if (high < 0 || low < 0) throw new Error('the IDs of a gallery have to be UUIDs');
    into[at + byte] = high * 16 + low;
    place += 2;
  }
}

export function readUuid(from: Buffer, at: number): string {
  const text = from.toString('hex', at, at + 16);
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}
