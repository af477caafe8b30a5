import { regressed, squared, type Box } from './boxes.ts';
import type { SecondOpinion } from './blazeFace.ts';
import { runOnCrops, type CropAnswer } from './cascade.ts';
import type { Picture } from './image/picture.ts';
import { composed, type Similarity } from './image/similarity.ts';
import { outputSize, pointsOf, refineSize, type DetectedFace } from './mtcnn.ts';
import type { Network } from './runtime.ts';

/*
 * The last network of MTCNN knows upright faces only, but those very well. Faces that lie on their side, stand on
 * their head or are half hidden it recognises once they are cut out the right way up; then it is asked again, about a
 * crop on the face that it saw.
 */

/** How sure that network must be: a clenched fist reached 0.96 alone, real faces are mostly above 0.99. */
const sureUpright = 0.9;
/** Less likely ones are not looked at again. */
const worthAnotherCrop = 0.2;
/** The crop that the network wants is about as wide as the box of the other detector, or a little wider. */
const widths = [1, 1.15, 1.3];
/** Quarter turns. */
const turns = [0.5, 1, 1.5].map((turn) => turn * Math.PI);
/** How sure the second network must be of a face that is turned, which costs a sixth of what the last one does. */
const likelyTurned = 0.7;

/** Crops to try, turned by one angle. */
export type Way = readonly Similarity[];

/** Ways up of a face that the other detector sees: it takes one that is upside down for upright. */
export function waysByEyes(opinion: SecondOpinion): Way[] {
  const [left, right] = opinion.eyes;
  const angle = Math.atan2(right.y - left.y, right.x - left.x);
  return [angle, angle + Math.PI].map((turn) => widths.map((wider) => cropAround(opinion, turn, wider)));
}

/**
 * Ways up of faces of which nothing but their places are known: upright, since there the second network of the cascade
 * saw something, and those of the other quarter turns in which it sees a face.
 */
export async function waysAround(
  network: Network,
  picture: Picture,
  boxes: readonly Box[],
): Promise<Way[][]> {
  const crops = boxes.flatMap((box) => turns.map((turn) => cropAround(box, turn, 1, refineSize)));
  const given = await runOnCrops(network, picture, crops, refineSize);
  return boxes.map((box, index) => {
    const likely = turns.filter(
      (_, turn) => (given[index * turns.length + turn]?.score ?? 0) >= likelyTurned,
    );
    return likely.map((turn) => [cropAround(box, turn, 1)]);
  });
}

/** The faces that could be there, at most one each way, most likely first; nothing: it is none. */
export async function lookUpright(
  network: Network,
  picture: Picture,
  ways: readonly Way[],
): Promise<DetectedFace[]> {
  const first = await answers(network, picture, ways.flat());
  const likely = ways.flatMap((_, index) => {
    const each = first.length / ways.length;
    const best = mostLikely(first.slice(index * each, (index + 1) * each));
    return best === undefined || best.score < worthAnotherCrop ? [] : [best];
  });
  const second = await answers(network, picture, likely.map(cropOnFace));
  return likely
    .flatMap((answer, index) => mostLikely([answer, ...second.slice(index, index + 1)]) ?? [])
    .filter(({ score }) => score >= sureUpright)
    .toSorted((a, b) => b.score - a.score)
    .map(faceOf);
}

type Answer = CropAnswer & { crop: Similarity };

async function answers(network: Network, picture: Picture, crops: readonly Similarity[]): Promise<Answer[]> {
  const given = await runOnCrops(network, picture, crops, outputSize);
  return given.flatMap((answer, index) => {
    const crop = crops[index];
    return crop === undefined ? [] : [{ ...answer, crop }];
  });
}

function mostLikely(some: readonly Answer[]): Answer | undefined {
  return some.toSorted((a, b) => b.score - a.score)[0];
}

function cropAround({ x1, y1, x2, y2 }: Box, angle: number, wider: number, size = outputSize): Similarity {
  const side = Math.max(x2 - x1, y2 - y1) * wider;
  return cropAt((x1 + x2) / 2, (y1 + y2) / 2, side, angle, size);
}

/** A crop whose middle lies at a point. */
function cropAt(x: number, y: number, side: number, angle: number, size = outputSize): Similarity {
  const step = side / size;
  const [a, b] = [step * Math.cos(angle), step * Math.sin(angle)];
  const middle = (size - 1) / 2;
  return { a, b, c: x - a * middle + b * middle, d: y - b * middle - a * middle };
}

/** The crop on the face that the network saw in a crop, its eyes levelled. */
function cropOnFace({ crop, score, regression, marks }: Answer): Similarity {
  const { x1, y1, x2, y2 } = squared(regressed({ x1: 0, y1: 0, x2: 1, y2: 1, score }, regression));
  const [left, right] = pointsOf(marks);
  const angle =
    left === undefined || right === undefined ? 0 : Math.atan2(right.y - left.y, right.x - left.x);
  const inCrop = (share: number) => share * outputSize - 0.5;
  return composed(crop, cropAt(inCrop((x1 + x2) / 2), inCrop((y1 + y2) / 2), (x2 - x1) * outputSize, angle));
}

function faceOf({ score, regression, marks, crop: { a, b, c, d } }: Answer): DetectedFace {
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
