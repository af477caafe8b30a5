import type { AnalyzedFace, Point } from '../contract/vision.ts';
import { alignedSize } from './embed.ts';

type Attributes = Pick<AnalyzedFace, 'headPose' | 'blur' | 'exposure'>;

export type FaceSigns = {
  points: readonly Point[];
  /** Planar RGB, −1 to 1. */
  aligned: Float32Array;
  /** Pixels of the picture. */
  width: number;
};

/** Attributes from the geometry of the five points and the aligned face. */
export function attributesOf(signs: FaceSigns): Attributes {
  const gray = grayOf(signs.aligned);
  const blurValue = blurOf(gray, signs.width);
  const exposureValue = gray.reduce((sum, value) => sum + value, 0) / gray.length / 255;
  return {
    headPose: headPoseOf(signs.points),
    blur: { blurLevel: levelOf(blurValue), value: blurValue },
    exposure: { exposureLevel: exposureLevelOf(exposureValue), value: exposureValue },
  };
}

function grayOf(aligned: Float32Array): Float32Array {
  const plane = alignedSize * alignedSize;
  const gray = new Float32Array(plane);
  for (let index = 0; index < plane; index += 1) {
    const red = aligned[index] ?? 0;
    const green = aligned[index + plane] ?? 0;
    const blue = aligned[index + 2 * plane] ?? 0;
    gray[index] = (0.299 * red + 0.587 * green + 0.114 * blue + 1) * 127.5;
  }
  return gray;
}

const degrees = 180 / Math.PI;

/**
 * Degrees. Roll is the slope of the line through the eyes; yaw and pitch come from how far the tip of the nose is
 * from where it lies on a frontal face, in distances of the eyes. Right to within some ten degrees up to 45.
 */
export function headPoseOf(points: readonly Point[]): AnalyzedFace['headPose'] {
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
  // The tip stands out from the face by about 0.6 of its eyes-to-mouth distance; it lies a little below the middle:
  // with these the median pitch and yaw of the portraits of LFW are 0 ± 0.5.
  const depth = 0.6;
  const frontal = 0.54;
  const angle = (share: number) => Math.asin(Math.max(-1, Math.min(1, share))) * degrees;
  return {
    pitch: angle((frontal - (tip.y - eyes.y) / height) / depth),
    roll: roll * degrees,
    yaw: angle((tip.x - middle) / height / depth),
  };
}

/** 0 sharp to 1 blurred: from the variance of the Laplacian of the aligned face, where it holds enough pixels. */
function blurOf(gray: Float32Array, width: number): number {
  let sum = 0;
  let squares = 0;
  let count = 0;
  // The middle of the face: no background, no hair.
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
  // A face of fewer pixels than the aligned one is blurred by being enlarged: it is judged by what it could show.
  const shown = Math.min(1, width / alignedSize);
  return Math.min(1, 1 / (1 + variance / (sharpVariance * shown ** 2)));
}

/** At this variance of the Laplacian the blur is 0.5; clear portraits have ten times as much. */
const sharpVariance = 25;

function levelOf(value: number): 'low' | 'medium' | 'high' {
  if (value < 0.25) return 'low';
  return value < 0.75 ? 'medium' : 'high';
}

function exposureLevelOf(value: number): AnalyzedFace['exposure']['exposureLevel'] {
  if (value < 0.25) return 'underExposure';
  return value < 0.75 ? 'goodExposure' : 'overExposure';
}

/** The length of the embedding is the best single sign of how well the face can be recognised. */
export function qualityOf(
  { headPose: { yaw, pitch }, blur }: Attributes,
  { norm, width, score }: { norm: number; width: number; score: number },
): 'low' | 'medium' | 'high' {
  const turned = Math.max(Math.abs(yaw), Math.abs(pitch));
  if (norm >= 57 && width >= 56 && turned <= 40 && blur.value < 0.75 && score >= 0.85) return 'high';
  return norm >= 48 && width >= 36 && turned <= 60 ? 'medium' : 'low';
}
