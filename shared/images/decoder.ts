import { parentPort, workerData } from 'node:worker_threads';
import { decodeBmp, type BmpHeader } from './bmp.ts';
import { decodeHeic } from './heic.ts';
import type { RawPicture } from './rows.ts';

/*
 * The thread that decodes what sharp does not read. It takes one picture and ends, so that all memory of it goes back
 * to the system: that of a WebAssembly instance can only grow.
 */

export type DecoderTask = { shrinkBy: number } & ({ format: 'bmp'; header: BmpHeader } | { format: 'heic' });

/** `rows` is how many rows of the file were there. */
export type Decoded = { picture: RawPicture; rows: number };

/** Absent: the file cannot be decoded. */
export type DecoderAnswer = { decoded?: Decoded };

const task = workerData as DecoderTask & { length: number };
const bytes = new Uint8Array(task.length);
let received = 0;

async function decode(): Promise<void> {
  const { shrinkBy } = task;
  const decoded =
    task.format === 'bmp' ? decodeBmp(task.header, bytes, shrinkBy) : await decodeHeic(bytes, shrinkBy);
  const answer: DecoderAnswer = decoded === undefined ? {} : { decoded };
  parentPort?.postMessage(answer, decoded === undefined ? [] : [decoded.picture.data.buffer]);
}

// The file comes in pieces. A failure ends the thread with an error, of which its owner is told.
parentPort?.on('message', (piece: Uint8Array) => {
  bytes.set(piece, received);
  received += piece.length;
  if (received === bytes.length) void decode();
});
