import type { Server, Socket } from 'node:net';

export type IntakeLimits = {
  /** Of one frame, as the broker tells its clients. */
  frameBytes: number;
  /** All that a connection may send until it has shown a token. */
  bytesBeforeToken: number;
  /** How long it may take to show one. */
  tokenMs: number;
  connections: number;
};

export const usualIntake: IntakeLimits = {
  frameBytes: 65_536,
  bytesBeforeToken: 65_536,
  tokenMs: 30_000,
  connections: 1_000,
};

export type Intake = {
  /** The connection has shown a token: only its frames stay bounded. */
  letIn(socket: Socket | undefined): void;
};

/** Of a frame, and of the header "AMQP" that a connection begins with, in big-endian. */
const sizeBytes = 4;
const protocolHeader = { bytes: 8, name: Buffer.from('AMQP') };

/** Bounds what a connection can make the broker hold: looks at what comes before rhea, which buffers whole frames. */
export function boundIntake(server: Server, limits: IntakeLimits): Intake {
  const waiting = new Map<Socket, NodeJS.Timeout>();
  server.maxConnections = limits.connections;
  server.on('connection', (socket) => {
    let received = 0;
    const fits = createFrameCheck(limits.frameBytes);
    waiting.set(
      socket,
      setTimeout(() => socket.destroy(), limits.tokenMs),
    );
    // Before the listener of rhea, which keeps what it gets until a frame is whole.
    socket.prependListener('data', (bytes: Buffer) => {
      received += bytes.length;
      const patient = !waiting.has(socket) || received <= limits.bytesBeforeToken;
      if (patient && fits(bytes)) return;
      socket.destroy();
    });
    socket.once('close', () => stopWaiting(socket));
  });

  function stopWaiting(socket: Socket): void {
    clearTimeout(waiting.get(socket));
    waiting.delete(socket);
  }

  return { letIn: (socket) => (socket === undefined ? undefined : stopWaiting(socket)) };
}

/** Follows a stream of frames; false at the first whose stated size is over the limit. */
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
