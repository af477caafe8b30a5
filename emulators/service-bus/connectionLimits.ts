import type { Server, Socket } from 'node:net';

export type ConnectionLimits = {
  /** The largest frame, which the broker announces to its clients. */
  frameBytes: number;
  /** The most that a connection may send before it has shown a token. */
  bytesBeforeToken: number;
  /** The longest time until a connection has shown a token. */
  tokenMs: number;
  connections: number;
};

export const defaultConnectionLimits: ConnectionLimits = {
  frameBytes: 65_536,
  bytesBeforeToken: 65_536,
  tokenMs: 30_000,
  connections: 1_000,
};

/** A frame begins with its size, big-endian. A connection begins with a header of 8 bytes, "AMQP" and a version. */
const sizeBytes = 4;
const protocolHeader = { bytes: 8, name: Buffer.from('AMQP') };

/**
 * Destroys connections that exceed the limits. The data is checked before rhea gets it, because rhea buffers a frame of
 * any size. The returned function lifts the limits of time and bytes, once the connection has shown a token.
 */
export function limitConnections(
  server: Server,
  limits: ConnectionLimits,
): (socket: Socket | undefined) => void {
  const timers = new Map<Socket | undefined, NodeJS.Timeout>();
  const authorize = (socket: Socket | undefined): void => {
    clearTimeout(timers.get(socket));
    timers.delete(socket);
  };
  server.maxConnections = limits.connections;
  server.on('connection', (socket) => {
    let received = 0;
    const fits = createFrameCheck(limits.frameBytes);
    timers.set(
      socket,
      setTimeout(() => socket.destroy(), limits.tokenMs),
    );
    socket.prependListener('data', (bytes: Buffer) => {
      received += bytes.length;
      const exceeds = timers.has(socket) && received > limits.bytesBeforeToken;
      if (exceeds || !fits(bytes)) socket.destroy();
    });
    socket.once('close', () => authorize(socket));
  });
  return authorize;
}

/** Follows the frames of a stream; false when the size of a frame exceeds the limit. */
function createFrameCheck(largest: number): (bytes: Buffer) => boolean {
  let head = Buffer.alloc(0);
  let left = 0;
  return (bytes) => {
    let at = 0;
    while (at < bytes.length) {
      if (left > 0) {
        const taken = Math.min(left, bytes.length - at);
        left -= taken;
        at += taken;
        continue;
      }
      const taken = bytes.subarray(at, at + sizeBytes - head.length);
      head = Buffer.concat([head, taken]);
      at += taken.length;
      if (head.length < sizeBytes) return true;
      const size = head.equals(protocolHeader.name) ? protocolHeader.bytes : head.readUInt32BE(0);
      if (size < protocolHeader.bytes || size > largest) return false;
      left = size - sizeBytes;
      head = Buffer.alloc(0);
    }
    return true;
  };
}
