import type { FoundFace } from './detectFaces.ts';
import type { Picture } from './image/picture.ts';
import type { Similarity } from './image/similarity.ts';
import { Tensor, type Network } from './runtime.ts';

/** Side of the picture that human's faceres takes. */
const size = 224;
/** How much wider than the face it is. */
const wider = 1.2;
/** Mean red, green and blue of the pictures it was trained with: it takes blue first. */
const offset = [123.68, 116.779, 103.939] as const;

/** What faceres makes of a face: features that glasses, masks and the like can be read from, age and gender. */
export type FaceFeatures = {
  /** 1,024 numbers, 0 to 6. */
  features: Float32Array;
  age: number;
  /** 0 to 1: how sure it is that the face is a man's. */
  male: number;
};

export async function faceFeaturesOf(
  network: Network,
  picture: Picture,
  face: FoundFace,
): Promise<FaceFeatures> {
  const plane = size * size;
  const crop = levelledSquare(face, size, wider);
  const rgb = picture.cut([crop], { width: size, height: size }, { offset, scale: 1, outside: 0 });
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
    // The mean of the ages from 0 to 99, each as likely as the network says.
    age: (ages ?? new Float32Array()).reduce((sum, likelihood, age) => sum + likelihood * age, 0),
  };
}

/** A square around a face, a little wider than its longer side, turned so that the eyes are level. */
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
