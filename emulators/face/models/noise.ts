import type { OptionalAttributes } from '../contract/vision.ts';
import type { FoundFace } from './detectFaces.ts';
import type { ImagePyramid } from './image/pyramid.ts';
import { levelCrop } from './image/similarity.ts';

/** The largest side of the measured crop in pixels. */
const maxSide = 200;
/** The standard deviation of noise, on the scale of 0 to 255, at which the value is 0.63. */
const strong = 20;

/**
 * Noise (0 to 1) from the standard deviation of the noise on a face by Immerkær's method, whose mask responds to
 * neither planes nor edges. Measured on the original pixels, since resampling hides noise.
 */
export function measureNoise(image: ImagePyramid, { x1, y1, x2, y2 }: FoundFace): number {
  const { finest } = image;
  const width = Math.max(8, Math.min(maxSide, Math.round(((x2 - x1) * 0.8) / finest)));
  const height = Math.max(8, Math.min(maxSide, Math.round(((y2 - y1) * 0.7) / finest)));
  const onPixel = (middle: number, side: number) => Math.round(middle / finest - side / 2) * finest;
  const corner = levelCrop(onPixel((x1 + x2) / 2, width), onPixel((y1 + y2) / 2, height), finest);
  const values = image.cut([corner], { width, height }, { offset: 0, scale: 1 });
  // Green is closest to brightness, and cameras measure it best.
  const green = values.subarray(width * height, 2 * width * height);
  let sum = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) sum += Math.abs(response(green, y * width + x, width));
  }
  const deviation = (Math.sqrt(Math.PI / 2) * sum) / (6 * (width - 2) * (height - 2));
  return 1 - Math.exp(-deviation / strong);
}

/** Adds the noise level of the Face API. */
export function toNoiseAttribute(value: number): OptionalAttributes['noise'] {
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
