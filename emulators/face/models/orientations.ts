import { regressed, squared, type Box } from './boxes.ts';
import type { BlazeFaceDetection } from './blazeFace.ts';
import { runOnCrops, type CropAnswer } from './cascade.ts';
import type { ImagePyramid } from './image/pyramid.ts';
import { compose, type Similarity } from './image/similarity.ts';
import { outputSize, toPoints, refineSize, type DetectedFace } from './mtcnn.ts';
import type { Network } from './runtime.ts';

/*
 * Detection of turned faces. The last network of MTCNN detects only upright faces, but reliably. Crops at several
 * angles show it turned or half hidden faces upright; the network then runs again on a crop around the detected face.
 */

/** The least score of a face. A clenched fist reached 0.96 alone; most real faces are above 0.99. */
const leastScore = 0.9;
/** The least score for a second run. */
const leastFirstScore = 0.2;
/** Widths of crops in widths of a BlazeFace box, which may be a little too narrow for the network. */
const widths = [1, 1.15, 1.3];
/** Quarter turns in radians. */
const turns = [0.5, 1, 1.5].map((turn) => turn * Math.PI);
/** The score of the second network from which an angle is tried: a run of the last network costs six times more. */
const leastRefineScore = 0.7;

/** Crops of different widths at one place, all turned by the same angle. */
export type Orientation = readonly Similarity[];

/** The orientations of a BlazeFace detection: by its eyes, and upside down, which BlazeFace cannot tell. */
export function orientationsByEyes(detection: BlazeFaceDetection): Orientation[] {
  const [left, right] = detection.eyes;
  const angle = Math.atan2(right.y - left.y, right.x - left.x);
  return [angle, angle + Math.PI].map((turn) => widths.map((wider) => cropAround(detection, turn, wider)));
}

/** For each box the quarter turns at which the second network of the cascade sees a face. */
export async function findOrientations(
  network: Network,
  image: ImagePyramid,
  boxes: readonly Box[],
): Promise<Orientation[][]> {
  const crops = boxes.flatMap((box) => turns.map((turn) => cropAround(box, turn, 1, refineSize)));
  const results = await runOnCrops(network, image, crops, refineSize);
  return boxes.map((box, index) => {
    const likely = turns.filter(
      (_, turn) => (results[index * turns.length + turn]?.score ?? 0) >= leastRefineScore,
    );
    return likely.map((turn) => [cropAround(box, turn, 1)]);
  });
}

/** Detects at most one face per orientation, most likely first. */
export async function detectInOrientations(
  network: Network,
  image: ImagePyramid,
  orientations: readonly Orientation[],
): Promise<DetectedFace[]> {
  const first = await runOutput(network, image, orientations.flat());
  const likely = orientations.flatMap((_, index) => {
    const each = first.length / orientations.length;
    const best = mostLikely(first.slice(index * each, (index + 1) * each));
    return best === undefined || best.score < leastFirstScore ? [] : [best];
  });
  const second = await runOutput(network, image, likely.map(cropOnFace));
  return likely
    .flatMap((answer, index) => mostLikely([answer, ...second.slice(index, index + 1)]) ?? [])
    .filter(({ score }) => score >= leastScore)
    .toSorted((a, b) => b.score - a.score)
    .map(toFace);
}

type CropResult = CropAnswer & { crop: Similarity };

async function runOutput(
  network: Network,
  image: ImagePyramid,
  crops: readonly Similarity[],
): Promise<CropResult[]> {
  const results = await runOnCrops(network, image, crops, outputSize);
  return results.flatMap((result, index) => {
    const crop = crops[index];
    return crop === undefined ? [] : [{ ...result, crop }];
  });
}

function mostLikely(some: readonly CropResult[]): CropResult | undefined {
  return some.toSorted((a, b) => b.score - a.score)[0];
}

function cropAround({ x1, y1, x2, y2 }: Box, angle: number, wider: number, size = outputSize): Similarity {
  const side = Math.max(x2 - x1, y2 - y1) * wider;
  return cropAt((x1 + x2) / 2, (y1 + y2) / 2, side, angle, size);
}

/** A square crop with its centre at (x, y). */
function cropAt(x: number, y: number, side: number, angle: number, size = outputSize): Similarity {
  const step = side / size;
  const [a, b] = [step * Math.cos(angle), step * Math.sin(angle)];
  const middle = (size - 1) / 2;
  return { a, b, c: x - a * middle + b * middle, d: y - b * middle - a * middle };
}

/** The crop on the face that the network detected in a crop, with its eyes level. */
function cropOnFace({ crop, score, regression, marks }: CropResult): Similarity {
  const { x1, y1, x2, y2 } = squared(regressed({ x1: 0, y1: 0, x2: 1, y2: 1, score }, regression));
  const [left, right] = toPoints(marks);
  const angle =
    left === undefined || right === undefined ? 0 : Math.atan2(right.y - left.y, right.x - left.x);
  const inCrop = (share: number) => share * outputSize - 0.5;
  return compose(crop, cropAt(inCrop((x1 + x2) / 2), inCrop((y1 + y2) / 2), (x2 - x1) * outputSize, angle));
}

function toFace({ score, regression, marks, crop: { a, b, c, d } }: CropResult): DetectedFace {
  const toImagePoint = (x: number, y: number) => {
    const [u, v] = [x * outputSize - 0.5, y * outputSize - 0.5];
    return { x: a * u - b * v + c, y: b * u + a * v + d };
  };
  const upright = regressed({ x1: 0, y1: 0, x2: 1, y2: 1, score }, regression);
  const centre = toImagePoint((upright.x1 + upright.x2) / 2, (upright.y1 + upright.y2) / 2);
  const [width, height] = [(upright.x2 - upright.x1) * outputSize, (upright.y2 - upright.y1) * outputSize];
  // The extent of an ellipse at this angle: a box around the turned rectangle would be too large.
  const halfWidth = Math.hypot(width * a, height * b) / 2;
  const halfHeight = Math.hypot(width * b, height * a) / 2;
  return {
    x1: centre.x - halfWidth,
    y1: centre.y - halfHeight,
    x2: centre.x + halfWidth,
    y2: centre.y + halfHeight,
    score,
    points: toPoints(marks).map(({ x, y }) => toImagePoint(x, y)),
  };
}
