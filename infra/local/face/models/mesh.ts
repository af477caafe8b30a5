import type { Point } from '../vision.ts';
import type { FoundFace } from './detectFaces.ts';
import { levelledSquare } from './faceFeatures.ts';
import { cut, type Pyramid } from './image.ts';
import { Tensor, type Network } from './runtime.ts';

/** Side of the picture that human's face mesh takes, and how much wider than the face it is. */
const size = 192;
const wider = 1.5;

/** The 468 points that MediaPipe's face mesh puts on a face, in pixels of the picture, by their published numbers. */
export async function meshOf(
  network: Network,
  picture: Pyramid,
  face: FoundFace,
): Promise<(number: number) => Point> {
  const values = new Float32Array(3 * size * size);
  const crop = levelledSquare(face, size, wider);
  cut(picture, crop, { width: size, height: size }, values, 0, { offset: 0, scale: 1 / 255, outside: 0 });
  const answer = await network.run({ input: new Tensor('float32', values, [1, 3, size, size]) });
  const numbers = answer['output0']?.data as Float32Array;
  const { a, b, c, d } = crop;
  return (number) => {
    const x = (numbers[number * 3] ?? 0) - 0.5;
    const y = (numbers[number * 3 + 1] ?? 0) - 0.5;
    return { x: a * x - b * y + c, y: b * x + a * y + d };
  };
}
