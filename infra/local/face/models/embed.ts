import type { Point } from '../vision.ts';
import { cut, similarityBetween, type Pixels, type Similarity } from './image.ts';
import { Tensor, type Network } from './runtime.ts';

/** Side of the aligned face that MobileFaceNet takes. */
export const alignedSize = 112;

/** Where eyes, nose and corners of the mouth lie on an aligned face: the positions it was trained with. */
export const alignedPoints: readonly Point[] = [
  { x: 38.2946, y: 51.6963 },
  { x: 73.5318, y: 51.5014 },
  { x: 56.0252, y: 71.7366 },
  { x: 41.5493, y: 92.3655 },
  { x: 70.7299, y: 92.2041 },
];

const offset = 127.5;
const scale = 1 / 127.5;

/** `norm`: length before normalising; short for blurred, noisy and turned faces. */
export type Embedding = { vector: Float32Array; norm: number; aligned: Float32Array; toPicture: Similarity };

/** The embedding of a face: the mean of the face and its mirror image, of unit length. */
export async function embed(network: Network, image: Pixels, points: readonly Point[]): Promise<Embedding> {
  const length = 3 * alignedSize * alignedSize;
  const toPicture = similarityBetween(alignedPoints, points);
  const values = new Float32Array(2 * length);
  cut(image, toPicture, alignedSize, values, 0, { offset, scale });
  const aligned = values.slice(0, length);
  for (let row = 0; row < length; row += alignedSize) {
    values.set(aligned.slice(row, row + alignedSize).toReversed(), length + row);
  }
  const answer = await network.run({
    input: new Tensor('float32', values, [2, 3, alignedSize, alignedSize]),
  });
  const output = answer['output0']?.data as Float32Array;
  const size = output.length / 2;
  const both = output.subarray(0, size).map((value, index) => value + (output[size + index] ?? 0));
  const norm = Math.hypot(...output.subarray(0, size));
  const total = Math.hypot(...both);
  return { vector: both.map((value) => value / total), norm, aligned, toPicture };
}
