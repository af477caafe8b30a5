import type { Point } from '../contract/vision.ts';
import type { Picture } from './image/picture.ts';
import { similarityBetween, type Similarity } from './image/similarity.ts';
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

/** A face set upright. The network sees it when somebody wants to know what it makes of it, and once. */
export type Look = {
  /** Planar RGB, −1 to 1. */
  aligned: Float32Array;
  toPicture: Similarity;
  /** What the network makes of it, not normalised. */
  features: () => Promise<Float32Array>;
  /** Length of the features; short for blurred, noisy and turned faces, and for what is no face. */
  norm: () => Promise<number>;
};

/** Sets a face upright by its five points. */
export function lookAt(network: Network, picture: Picture, points: readonly Point[]): Look {
  const toPicture = similarityBetween(alignedPoints, points);
  const size = { width: alignedSize, height: alignedSize };
  const aligned = picture.cut([toPicture], size, { offset: 127.5, scale: 1 / 127.5 }).slice();
  let seen: Promise<Float32Array> | undefined;
  const features = () => (seen ??= featuresOf(network, aligned));
  return { aligned, toPicture, features, norm: async () => Math.hypot(...(await features())) };
}

/** The embedding of a face by MobileFaceNet: the mean of the face and its mirror image, of unit length. */
export async function embeddingOf(network: Network, { aligned, features }: Look): Promise<Float32Array> {
  const straight = await features();
  const mirrored = await featuresOf(network, mirrorImage(aligned, alignedSize));
  return normalized(straight.map((value, index) => value + (mirrored[index] ?? 0)));
}

async function featuresOf(network: Network, aligned: Float32Array): Promise<Float32Array> {
  const input = new Tensor('float32', aligned, [1, 3, alignedSize, alignedSize]);
  const answer = await network.run({ input });
  return answer['output0']?.data as Float32Array;
}

/** Every row of a planar picture from right to left. */
export function mirrorImage(values: Float32Array, width: number): Float32Array {
  const mirrored = values.slice();
  for (let row = 0; row < mirrored.length; row += width) mirrored.subarray(row, row + width).reverse();
  return mirrored;
}

export function normalized(vector: Float32Array): Float32Array {
  const total = Math.hypot(...vector);
  return vector.map((value) => value / total);
}
