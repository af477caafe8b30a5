import type { Point } from '../contract/vision.ts';
import type { ImagePyramid } from './image/pyramid.ts';
import { similarityBetween, type Similarity } from './image/similarity.ts';
import { Tensor, type Network } from './runtime.ts';

/** Side of the input of MobileFaceNet in pixels. */
export const alignedSize = 112;

/** Eyes, nose and corners of the mouth on an aligned face: the positions of MobileFaceNet's training. */
export const alignedPoints: readonly Point[] = [
  { x: 38.2946, y: 51.6963 },
  { x: 73.5318, y: 51.5014 },
  { x: 56.0252, y: 71.7366 },
  { x: 41.5493, y: 92.3655 },
  { x: 70.7299, y: 92.2041 },
];

/** A face in an upright crop. The network runs at the first use of its result, and only once. */
export type AlignedFace = {
  /** Planar RGB, −1 to 1. */
  pixels: Float32Array;
  toImage: Similarity;
  /** The vector of MobileFaceNet, not normalised. */
  features: () => Promise<Float32Array>;
  /** The length of `features`: short for blurred, noisy and turned faces, and for crops without a face. */
  norm: () => Promise<number>;
};

/** Cuts an upright crop by the five points of a face. */
export function alignFace(network: Network, image: ImagePyramid, points: readonly Point[]): AlignedFace {
  const toImage = similarityBetween(alignedPoints, points);
  const size = { width: alignedSize, height: alignedSize };
  const pixels = image.cut([toImage], size, { offset: 127.5, scale: 1 / 127.5 }).slice();
  let result: Promise<Float32Array> | undefined;
  const features = () => (result ??= runMobileFaceNet(network, pixels));
  return { pixels, toImage, features, norm: async () => Math.hypot(...(await features())) };
}

/** The mean of MobileFaceNet's vectors of the face and its mirror image, of unit length. */
export async function computeMobileFaceNet(
  network: Network,
  { pixels, features }: AlignedFace,
): Promise<Float32Array> {
  const straight = await features();
  const mirrored = await runMobileFaceNet(network, mirrorImage(pixels, alignedSize));
  return normalized(straight.map((value, index) => value + (mirrored[index] ?? 0)));
}

async function runMobileFaceNet(network: Network, pixels: Float32Array): Promise<Float32Array> {
  const input = new Tensor('float32', pixels, [1, 3, alignedSize, alignedSize]);
  const answer = await network.run({ input });
  return answer['output0']?.data as Float32Array;
}

/** Reverses each row of a planar image. */
export function mirrorImage(values: Float32Array, width: number): Float32Array {
  const mirrored = values.slice();
  for (let row = 0; row < mirrored.length; row += width) mirrored.subarray(row, row + width).reverse();
  return mirrored;
}

export function normalized(vector: Float32Array): Float32Array {
  const total = Math.hypot(...vector);
  return vector.map((value) => value / total);
}
