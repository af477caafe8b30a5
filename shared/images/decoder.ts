import { parentPort, workerData } from 'node:worker_threads';
import { decodeBmp } from './bmp.ts';
import type { BmpHeader } from './bmpHeader.ts';
import { decodeHeic } from './heic.ts';
import type { RawImage } from './rows.ts';

/*
 * Entry point of the thread that decodes BMP and HEIC, which sharp does not read. A thread decodes one image and ends,
 * so that all its memory is returned to the system: the memory of a WebAssembly instance can only grow.
 */

export type DecoderTask = { shrinkBy: number } & ({ format: 'bmp'; header: BmpHeader } | { format: 'heic' });

/** `rows` is the number of image rows that were found in the file. */
export type Decoded = { image: RawImage; rows: number };

/** `decoded` is absent when the file cannot be decoded. */
export type DecoderAnswer = { decoded?: Decoded };

const task = workerData as DecoderTask & { length: number };
const bytes = new Uint8Array(task.length);
let received = 0;

async function decode(): Promise<void> {
  const { shrinkBy } = task;
  const decoded =
    task.format === 'bmp' ? decodeBmp(task.header, bytes, shrinkBy) : await decodeHeic(bytes, shrinkBy);
  const answer: DecoderAnswer = decoded === undefined ? {} : { decoded };
  parentPort?.postMessage(answer, decoded === undefined ? [] : [decoded.image.data.buffer]);
}

// The file arrives in pieces. A decoding error ends the thread, and the parent thread receives an `error` event.
parentPort?.on('message', (piece: Uint8Array) => {
  bytes.set(piece, received);
  received += piece.length;
  if (received === bytes.length) void decode();
});
