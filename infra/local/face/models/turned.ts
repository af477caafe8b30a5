import { regressed } from './boxes.ts';
import type { SecondOpinion } from './blazeFace.ts';
import { runOnCrops, type CropAnswer } from './cascade.ts';
import type { Picture } from './image/picture.ts';
import type { Similarity } from './image/similarity.ts';
import { outputSize, pointsOf, type DetectedFace } from './mtcnn.ts';
import type { Network } from './runtime.ts';

/** The crop that the last network of the cascade wants is a little wider than the box of the other detector. */
const wider = 1.15;
/** How sure that network must be: a clenched fist reached 0.96 alone, real faces are mostly above 0.99. */
const sureUpright = 0.9;

/**
 * Asks the last network of MTCNN about a face that the other detector sees, on crops turned so that the eyes are
 * level: the cascade itself misses five of six faces that lie on their side, and is wrong about where the eyes of
 * the others are. Answers what could be the face, at most twice; nothing: it is none.
 */
export async function lookUpright(
  network: Network,
  picture: Picture,
  opinion: SecondOpinion,
): Promise<DetectedFace[]> {
  const [left, right] = opinion.eyes;
  const angle = Math.atan2(right.y - left.y, right.x - left.x);
  // The other detector takes a face that is upside down for an upright one.
  const crops = [angle, angle + Math.PI].map((turn) => cropAround(opinion, turn));
  const answers = await runOnCrops(network, picture, crops, outputSize);
  return answers.flatMap((answer, index) => {
    const crop = crops[index];
    return crop === undefined || answer.score < sureUpright ? [] : [faceOf(answer, crop)];
  });
}

function cropAround({ x1, y1, x2, y2 }: SecondOpinion, angle: number): Similarity {
  const step = (Math.max(x2 - x1, y2 - y1) * wider) / outputSize;
  const [a, b] = [step * Math.cos(angle), step * Math.sin(angle)];
  const middle = (outputSize - 1) / 2;
  return {
    a,
    b,
    c: (x1 + x2) / 2 - a * middle + b * middle,
    d: (y1 + y2) / 2 - b * middle - a * middle,
  };
}

function faceOf({ score, regression, marks }: CropAnswer, { a, b, c, d }: Similarity): DetectedFace {
  const inPicture = (x: number, y: number) => {
    const [u, v] = [x * outputSize - 0.5, y * outputSize - 0.5];
    return { x: a * u - b * v + c, y: b * u + a * v + d };
  };
  const upright = regressed({ x1: 0, y1: 0, x2: 1, y2: 1, score }, regression);
  const centre = inPicture((upright.x1 + upright.x2) / 2, (upright.y1 + upright.y2) / 2);
  const [width, height] = [(upright.x2 - upright.x1) * outputSize, (upright.y2 - upright.y1) * outputSize];
  // The box of a face on its side is wider than high; in between the sides change without growing.
  const halfWidth = Math.hypot(width * a, height * b) / 2;
  const halfHeight = Math.hypot(width * b, height * a) / 2;
  return {
    x1: centre.x - halfWidth,
    y1: centre.y - halfHeight,
    x2: centre.x + halfWidth,
    y2: centre.y + halfHeight,
    score,
    points: pointsOf(marks).map(({ x, y }) => inPicture(x, y)),
  };
}
