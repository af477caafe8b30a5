import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { RollcallError } from '../errors/errors.ts';
import type { Decoded, DecoderAnswer, DecoderTask } from './decoder.ts';
import { decoderFile } from './decoderFile.ts';

const decodingMs = 60_000;
/** Bytes copied to the decoder thread at once. The limit keeps the event loop of the calling thread responsive. */
const copiedAtOnce = 1024 * 1024;

/**
 * Decodes an image in a new thread, which is terminated afterwards.
 * @throws RollcallError not_an_image, image_too_large when decoding takes longer than `decodingMs`
 */
export async function decodeInThread(bytes: Uint8Array, task: DecoderTask): Promise<Decoded> {
  const worker = new Worker(decoderFile, { workerData: { ...task, length: bytes.length } });
  const answer = receiveAnswer(worker);
  // Prevents an unhandled rejection when the thread fails before the answer is awaited below.
  answer.catch(() => undefined);
  try {
    await tell(worker, bytes);
    return await answer;
  } finally {
    await worker.terminate();
  }
}

async function tell(worker: Worker, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += copiedAtOnce) {
    const piece = Uint8Array.from(bytes.subarray(at, at + copiedAtOnce));
    worker.postMessage(piece, [piece.buffer]);
    await nextTurn();
  }
}

function receiveAnswer(worker: Worker): Promise<Decoded> {
  return new Promise((resolve, reject) => {
    const damaged = (cause?: unknown): void =>
      reject(new RollcallError('not_an_image', 'The picture is damaged.', { cause }));
    const timer = setTimeout(() => {
      reject(new RollcallError('image_too_large', 'Decoding the picture takes longer than 60 seconds.'));
    }, decodingMs);
    worker.once('message', ({ decoded }: DecoderAnswer) =>
      decoded === undefined ? damaged() : resolve(decoded),
    );
    worker.once('error', damaged);
    worker.once('exit', (code) => {
      clearTimeout(timer);
      damaged(new Error(`the decoder ended with ${code}`));
    });
  });
}
