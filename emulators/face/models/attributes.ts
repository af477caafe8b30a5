import type { AnalyzedFace, Point } from '../contract/vision.ts';
import { alignedSize } from './alignedFace.ts';

type Attributes = Pick<AnalyzedFace, 'headPose' | 'blur' | 'exposure'>;

export type AttributeInputs = {
  points: readonly Point[];
  /** The aligned face: planar RGB, −1 to 1. */
  pixels: Float32Array;
  /** Width of the face in pixels of the image. */
  width: number;
};

/** Computes attributes from the five points and the pixels of the aligned face. */
export function measureAttributes({ points, pixels, width }: AttributeInputs): Attributes {
  const gray = toGray(pixels);
  const blurValue = measureBlur(gray, width);
  const exposureValue = gray.reduce((sum, value) => sum + value, 0) / gray.length / 255;
  return {
    headPose: estimateHeadPose(points),
    blur: { blurLevel: toLevel(blurValue), value: blurValue },
    exposure: { exposureLevel: toExposureLevel(exposureValue), value: exposureValue },
  };
}

function toGray(pixels: Float32Array): Float32Array {
  const plane = alignedSize * alignedSize;
  const gray = new Float32Array(plane);
  for (let index = 0; index < plane; index += 1) {
    const red = pixels[index] ?? 0;
    const green = pixels[index + plane] ?? 0;
    const blue = pixels[index + 2 * plane] ?? 0;
    gray[index] = (0.299 * red + 0.587 * green + 0.114 * blue + 1) * 127.5;
  }
  return gray;
}

const degrees = 180 / Math.PI;

/**
 * The head pose in degrees. Roll is the slope of the line through the eyes. Yaw and pitch follow from the distance
 * between the tip of the nose and its place on a frontal face. The error is about ten degrees up to 45 degrees.
 */
export function estimateHeadPose(points: readonly Point[]): AnalyzedFace['headPose'] {
  const origin = { x: 0, y: 0 };
  const [left = origin, right = origin, nose = origin, mouthLeft = origin, mouthRight = origin] = points;
  const roll = Math.atan2(right.y - left.y, right.x - left.x);
  const upright = ({ x, y }: Point) => ({
    x: x * Math.cos(-roll) - y * Math.sin(-roll),
    y: x * Math.sin(-roll) + y * Math.cos(-roll),
  });
  const eyes = upright({ x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 });
  const mouth = upright({ x: (mouthLeft.x + mouthRight.x) / 2, y: (mouthLeft.y + mouthRight.y) / 2 });
  const tip = upright(nose);
  const height = Math.max(1, mouth.y - eyes.y);
  const middle = eyes.x + ((mouth.x - eyes.x) * (tip.y - eyes.y)) / height;
  // In units of the eyes-to-mouth distance: how far the tip of the nose stands out, and how far it is below the eyes of
  // a frontal face. With these values the median pitch and yaw of the portraits of LFW are 0 ± 0.5.
  const depth = 0.6;
  const frontal = 0.54;
  const angle = (sine: number) => Math.asin(Math.max(-1, Math.min(1, sine))) * degrees;
  return {
    pitch: angle((frontal - (tip.y - eyes.y) / height) / depth),
    roll: roll * degrees,
    yaw: angle((tip.x - middle) / height / depth),
  };
}

/** Blur from 0 (sharp) to 1, by the variance of the Laplacian of the aligned face. */
function measureBlur(gray: Float32Array, width: number): number {
  let sum = 0;
  let squares = 0;
  let count = 0;
  // Only the middle of the face, without background and hair.
  for (let y = 28; y < alignedSize - 12; y += 1) {
    for (let x = 24; x < alignedSize - 24; x += 1) {
      const at = y * alignedSize + x;
      const value =
        (gray[at - 1] ?? 0) +
        (gray[at + 1] ?? 0) +
        (gray[at - alignedSize] ?? 0) +
        (gray[at + alignedSize] ?? 0) -
        4 * (gray[at] ?? 0);
      sum += value;
      squares += value * value;
      count += 1;
    }
  }
  const variance = squares / count - (sum / count) ** 2;
  // A smaller face is blurred by its enlargement to the aligned size; the expected variance is reduced accordingly.
  const detail = Math.min(1, width / alignedSize);
  return Math.min(1, 1 / (1 + variance / (sharpVariance * detail ** 2)));
}

/** The variance of the Laplacian at which blur is 0.5. Clear portraits have ten times this variance. */
const sharpVariance = 25;

function toLevel(value: number): 'low' | 'medium' | 'high' {
  if (value < 0.25) return 'low';
  return value < 0.75 ? 'medium' : 'high';
}

function toExposureLevel(value: number): AnalyzedFace['exposure']['exposureLevel'] {
  if (value < 0.25) return 'underExposure';
  return value < 0.75 ? 'goodExposure' : 'overExposure';
}

/** Quality for recognition. Of the inputs, the length of MobileFaceNet's vector predicts it best. */
export function judgeQuality(
  { headPose: { yaw, pitch }, blur }: Attributes,
  { norm, width, score }: { norm: number; width: number; score: number },
): 'low' | 'medium' | 'high' {
  const turned = Math.max(Math.abs(yaw), Math.abs(pitch));
  if (norm >= 57 && width >= 56 && turned <= 40 && blur.value < 0.75 && score >= 0.85) return 'high';
  return norm >= 48 && width >= 36 && turned <= 60 ? 'medium' : 'low';
}
