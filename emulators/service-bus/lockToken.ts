/*
 * A lock token is the text of a GUID. A delivery tag holds it as .NET does, with the first three groups in
 * little-endian order. An AMQP uuid holds its bytes in the order of the text.
 */

const dotNetOrder = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

export function lockTokenToTag(token: string): Buffer {
  const uuid = lockTokenToUuid(token);
  return Buffer.from(dotNetOrder.map((index) => uuid[index] ?? 0));
}

export function lockTokenToUuid(token: string): Buffer {
  return Buffer.from(token.replaceAll('-', ''), 'hex');
}

export function uuidToLockToken(uuid: Uint8Array): string {
  const hex = Buffer.from(uuid).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
