import type { UnsureAttributes } from '../contract/vision.ts';
import type { FoundFace } from './detectFaces.ts';
import type { Picture } from './image/picture.ts';
import { levelCrop } from './image/similarity.ts';

/** Most pixels a side that are looked at. */
const most = 200;
/** Standard deviation of noise, in steps of 0 to 255, at which the value is 0.63. */
const strong = 20;

/**
 * 0 to 1 from the standard deviation of the noise on a face, by Immerkær's method: a mask that answers to neither
 * planes nor edges. It looks at the pixels as they came, since enlarging or shrinking hides noise.
 */
export function noiseOf(picture: Picture, { x1, y1, x2, y2 }: FoundFace): number {
  const { finest } = picture;
  const width = Math.max(8, Math.min(most, Math.round(((x2 - x1) * 0.8) / finest)));
  const height = Math.max(8, Math.min(most, Math.round(((y2 - y1) * 0.7) / finest)));
  const onPixel = (middle: number, side: number) => Math.round(middle / finest - side / 2) * finest;
  const corner = levelCrop(onPixel((x1 + x2) / 2, width), onPixel((y1 + y2) / 2, height), finest);
  const values = picture.cut([corner], { width, height }, { offset: 0, scale: 1 });
  // Green stands for brightness, and a camera measures it best.
  const green = values.subarray(width * height, 2 * width * height);
  let sum = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) sum += Math.abs(response(green, y * width + x, width));
  }
  const deviation = (Math.sqrt(Math.PI / 2) * sum) / (6 * (width - 2) * (height - 2));
  return 1 - Math.exp(-deviation / strong);
}

/** The levels of the Face API. */
export function levelOfNoise(value: number): UnsureAttributes['noise'] {
  return { noiseLevel: value < 0.3 ? 'low' : value < 0.7 ? 'medium' : 'high', value };
}

function response(green: Float32Array, at: number, width: number): number {
  const value = (offset: number) => green[at + offset] ?? 0;
  return (
    value(-width - 1) +
    value(-width + 1) +
    value(width - 1) +
    value(width + 1) -
    2 * (value(-width) + value(-1) + value(1) + value(width)) +
    4 * value(0)
  );
}
