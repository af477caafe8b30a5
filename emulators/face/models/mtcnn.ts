import type { Point } from '../contract/vision.ts';
import { regressed, squared, withoutOverlaps, type Box } from './boxes.ts';
import { faceness, offset, run, runOnCrops, scale } from './cascade.ts';
import type { Picture } from './image/picture.ts';
import { levelCrop, type Similarity } from './image/similarity.ts';
import { Tensor, type Network } from './runtime.ts';
import type { Networks } from './sessions.ts';

/** A face with its eyes, nose and corners of the mouth (left first, as seen). */
export type DetectedFace = Box & { points: Point[] };

// Of the published method: smallest window, pyramid factor, thresholds of the three networks.
const window = 12;
const stride = 2;
const pyramidFactor = 0.709;
const thresholds = { proposal: 0.6, refine: 0.7, output: 0.7 } as const;
/** From here on the second network may be looking at a face that is not upright. */
const doubtful = 0.5;
/** The threshold of proposals as a difference of logits, which spares an exponential a cell. */
const leastProposal = Math.log(thresholds.proposal / (1 - thresholds.proposal));
/**
 * So many pixels of a level go to the first network at once. What it needs of memory grows with them, and beyond some
 * 40 MB it is given back and fetched anew for each picture: 1920 × 1080 at once took three times as long.
 */
const pixelsAtOnce = 30_000;
/** Sides of the crops that the second and the last network take. */
export const refineSize = 24;
export const outputSize = 48;
/** At most so many candidates go to the second network: a picture of noise has thousands. */
const candidatesAtMost = 600;

/** Upright faces, and squares on which the second network may see a face, most likely first. */
export type CascadeAnswer = { faces: DetectedFace[]; candidates: Box[] };

/** Finds faces by the cascade of MTCNN: proposals over a pyramid, refined twice. */
export async function detectByMtcnn(
  networks: Networks,
  picture: Picture,
  smallestFace: number,
): Promise<CascadeAnswer> {
  const proposals = await propose(networks.proposal, picture, smallestFace);
  const candidates = await refine(networks.refine, picture, proposals);
  const likely = candidates.filter(({ score }) => score >= thresholds.refine);
  return { faces: await finish(networks.output, picture, likely), candidates };
}

async function propose(network: Network, picture: Picture, smallestFace: number): Promise<Box[]> {
  const boxes: Box[] = [];
  for (let factor = window / smallestFace; ; factor *= pyramidFactor) {
    const width = Math.ceil(picture.width * factor);
    const height = Math.ceil(picture.height * factor);
    if (Math.min(width, height) < window) break;
    boxes.push(...withoutOverlaps(await proposeAt(network, picture, { width, height }, factor), 0.5));
  }
  return withoutOverlaps(boxes, 0.7).slice(0, candidatesAtMost).map(squared);
}

/** Proposals on a level of the pyramid, strip by strip; the same as if it were looked at whole. */
async function proposeAt(
  network: Network,
  picture: Picture,
  { width, height }: { width: number; height: number },
  factor: number,
): Promise<Box[]> {
  const windowsAtOnce = Math.max(1, Math.floor(pixelsAtOnce / width / stride));
  const boxes: Box[] = [];
  for (let top = 0; top + window <= height; top += windowsAtOnce * stride) {
    // A strip overlaps the next by what its last windows reach beyond it; the last one takes what is left.
    const rows = window + (windowsAtOnce - 1) * stride;
    const isLast = top + rows + stride > height;
    const size = { width, height: isLast ? height - top : rows };
    boxes.push(...(await proposeIn(network, picture, size, top, factor)));
    if (isLast) break;
  }
  return boxes;
}

async function proposeIn(
  network: Network,
  picture: Picture,
  size: { width: number; height: number },
  top: number,
  factor: number,
): Promise<Box[]> {
  const values = picture.cut([levelCrop(0, top / factor, 1 / factor)], size, { offset, scale });
  const input = new Tensor('float32', values, [1, 3, size.height, size.width]);
  const [logits, regression] = await run(network, input);
  const [, , rows = 0, columns = 0] = logits.dims;
  const plane = rows * columns;
  const boxes: Box[] = [];
  for (let index = 0; index < plane; index += 1) {
    const other = logits.data[index] ?? 0;
    const face = logits.data[index + plane] ?? 0;
    if (face - other < leastProposal) continue;
    const x = ((index % columns) * stride) / factor;
    const y = (top + Math.floor(index / columns) * stride) / factor;
    const side = window / factor;
    const box = { x1: x, y1: y, x2: x + side, y2: y + side, score: faceness(other, face) };
    const shifts = [0, 1, 2, 3].map((part) => regression.data[index + part * plane] ?? 0);
    boxes.push(regressed(box, shifts));
  }
  return boxes;
}

async function refine(network: Network, picture: Picture, boxes: Box[]): Promise<Box[]> {
  const answers = await runOnCrops(network, picture, boxes.map(cropOf(refineSize)), refineSize);
  const refined = boxes.flatMap((box, index) => {
    const { score = 0, regression = [] } = answers[index] ?? {};
    return score < doubtful ? [] : [squared(regressed({ ...box, score }, regression))];
  });
  return withoutOverlaps(refined, 0.7);
}

async function finish(network: Network, picture: Picture, boxes: Box[]): Promise<DetectedFace[]> {
  const answers = await runOnCrops(network, picture, boxes.map(cropOf(outputSize)), outputSize);
  const faces = boxes.flatMap((box, index) => {
    const { score = 0, regression = [], marks = [] } = answers[index] ?? {};
    if (score < thresholds.output) return [];
    // Relative to the square before its regression.
    const points = pointsOf(marks).map(({ x, y }) => ({
      x: box.x1 + x * (box.x2 - box.x1),
      y: box.y1 + y * (box.y2 - box.y1),
    }));
    return [regressed({ ...box, score, points }, regression)];
  });
  return withoutOverlaps(faces, 0.7, 'smaller');
}

/** The last network gives five x, then five y. */
export function pointsOf(marks: readonly number[]): Point[] {
  return [0, 1, 2, 3, 4].map((point) => ({ x: marks[point] ?? 0, y: marks[point + 5] ?? 0 }));
}

/** How a crop of so many pixels lies on a square box. */
function cropOf(size: number): (box: Box) => Similarity {
  return ({ x1, y1, x2 }) => levelCrop(x1, y1, (x2 - x1) / size);
}
