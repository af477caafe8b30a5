import type { FoundFace } from './detectFaces.ts';
import type { ImagePyramid } from './image/pyramid.ts';
import type { Similarity } from './image/similarity.ts';
import { Tensor, type Network } from './runtime.ts';

/** Side of the input of human's faceres network in pixels. */
const size = 224;
/** Width of the crop in widths of the face. */
const wider = 1.2;
/** Mean red, green and blue of the training images. The network takes blue first. */
const offset = [123.68, 116.779, 103.939] as const;

/** The outputs of faceres. Linear heads read glasses, masks and other attributes from `features`. */
export type FaceFeatures = {
  /** 1,024 numbers, 0 to 6. */
  features: Float32Array;
  age: number;
  /** Probability (0 to 1) that the face is male. */
  male: number;
};

export async function computeFaceFeatures(
  network: Network,
  image: ImagePyramid,
  face: FoundFace,
): Promise<FaceFeatures> {
  const plane = size * size;
  const crop = levelledSquare(face, size, wider);
  const rgb = image.cut([crop], { width: size, height: size }, { offset, scale: 1, outside: 0 });
  const bgr = new Float32Array(3 * plane);
  for (const channel of [0, 1, 2])
    bgr.set(rgb.subarray(channel * plane, (channel + 1) * plane), (2 - channel) * plane);
  const answer = await network.run({ input: new Tensor('float32', bgr, [1, 3, size, size]) });
  const [features, gender, ages] = ['output0', 'output1', 'output2'].map(
    (name) => answer[name]?.data as Float32Array,
  );
  return {
    features: features ?? new Float32Array(),
    male: gender?.[0] ?? 0.5,
    // The expected age: the network gives a probability for each age from 0 to 99.
    age: (ages ?? new Float32Array()).reduce((sum, likelihood, age) => sum + likelihood * age, 0),
  };
}

/** A square crop around a face, `widerBy` times its longer side, turned so that the eyes are level. */
export function levelledSquare(
  { x1, y1, x2, y2, points }: Pick<FoundFace, 'x1' | 'y1' | 'x2' | 'y2' | 'points'>,
  side: number,
  widerBy: number,
): Similarity {
  const [left, right] = points;
  const angle = left && right ? Math.atan2(right.y - left.y, right.x - left.x) : 0;
  const step = (Math.max(x2 - x1, y2 - y1) * widerBy) / side;
  const [a, b] = [step * Math.cos(angle), step * Math.sin(angle)];
  const middle = (side - 1) / 2;
  return {
    a,
    b,
    c: (x1 + x2) / 2 - a * middle + b * middle,
    d: (y1 + y2) / 2 - b * middle - a * middle,
  };
}
