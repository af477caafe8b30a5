import type { Point } from '../contract/vision.ts';
import { regressed, squared, withoutOverlaps, type Box } from './boxes.ts';
import { faceness, offset, run, runOnCrops, scale } from './cascade.ts';
import type { ImagePyramid } from './image/pyramid.ts';
import { levelCrop, type Similarity } from './image/similarity.ts';
import { Tensor, type Network } from './runtime.ts';
import type { Networks } from './sessions.ts';

/** A face with its five points: eyes, nose and corners of the mouth, first the left ones of the image. */
export type DetectedFace = Box & { points: Point[] };

// Values of the published method.
const window = 12;
const stride = 2;
const pyramidFactor = 0.709;
const thresholds = { proposal: 0.6, refine: 0.7, output: 0.7 } as const;
/** A score of the second network from which a place may show a turned face. */
const doubtful = 0.5;
/** The threshold of proposals as a difference of logits, which saves an exponential per cell. */
const leastProposal = Math.log(thresholds.proposal / (1 - thresholds.proposal));
/**
 * The first network's memory grows with the pixels of a run, and above some 40 MB the memory is returned and allocated
 * again for each image: 1920 × 1080 pixels in one run take three times as long.
 */
const maxPixelsPerRun = 30_000;
/** Sides of the inputs of the second and the last network in pixels. */
export const refineSize = 24;
export const outputSize = 48;
/** Candidates for the second network. An image of noise has thousands of proposals. */
const maxCandidates = 600;

/** Upright faces, and squares that may show a face according to the second network, most likely first. */
export type CascadeResult = { faces: DetectedFace[]; candidates: Box[] };

/** Finds upright faces with the cascade of MTCNN: proposals on an image pyramid, refined twice. */
export async function detectByMtcnn(
  networks: Networks,
  image: ImagePyramid,
  smallestFace: number,
): Promise<CascadeResult> {
  const proposals = await propose(networks.proposal, image, smallestFace);
  const candidates = await refine(networks.refine, image, proposals);
  const likely = candidates.filter(({ score }) => score >= thresholds.refine);
  return { faces: await finish(networks.output, image, likely), candidates };
}

async function propose(network: Network, image: ImagePyramid, smallestFace: number): Promise<Box[]> {
  const boxes: Box[] = [];
  for (let factor = window / smallestFace; ; factor *= pyramidFactor) {
    const width = Math.ceil(image.width * factor);
    const height = Math.ceil(image.height * factor);
    if (Math.min(width, height) < window) break;
    boxes.push(...withoutOverlaps(await proposeAt(network, image, { width, height }, factor), 0.5));
  }
  return withoutOverlaps(boxes, 0.7).slice(0, maxCandidates).map(squared);
}

/** The proposals on a level of the pyramid. Strips of the level overlap, so that each window is seen once. */
async function proposeAt(
  network: Network,
  image: ImagePyramid,
  { width, height }: { width: number; height: number },
  factor: number,
): Promise<Box[]> {
  const windowsPerRun = Math.max(1, Math.floor(maxPixelsPerRun / width / stride));
  const boxes: Box[] = [];
  for (let top = 0; top + window <= height; top += windowsPerRun * stride) {
    // The windows of a strip reach into the next one. The last strip takes the remaining rows.
    const rows = window + (windowsPerRun - 1) * stride;
    const isLast = top + rows + stride > height;
    const size = { width, height: isLast ? height - top : rows };
    boxes.push(...(await proposeIn(network, image, size, top, factor)));
    if (isLast) break;
  }
  return boxes;
}

async function proposeIn(
  network: Network,
  image: ImagePyramid,
  size: { width: number; height: number },
  top: number,
  factor: number,
): Promise<Box[]> {
  const values = image.cut([levelCrop(0, top / factor, 1 / factor)], size, { offset, scale });
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

async function refine(network: Network, image: ImagePyramid, boxes: Box[]): Promise<Box[]> {
  const answers = await runOnCrops(network, image, boxes.map(cropBox(refineSize)), refineSize);
  const refined = boxes.flatMap((box, index) => {
    const { score = 0, regression = [] } = answers[index] ?? {};
    return score < doubtful ? [] : [squared(regressed({ ...box, score }, regression))];
  });
  return withoutOverlaps(refined, 0.7);
}

async function finish(network: Network, image: ImagePyramid, boxes: Box[]): Promise<DetectedFace[]> {
  const answers = await runOnCrops(network, image, boxes.map(cropBox(outputSize)), outputSize);
  const faces = boxes.flatMap((box, index) => {
    const { score = 0, regression = [], marks = [] } = answers[index] ?? {};
    if (score < thresholds.output) return [];
    // The points are relative to the square before its regression.
    const points = toPoints(marks).map(({ x, y }) => ({
      x: box.x1 + x * (box.x2 - box.x1),
      y: box.y1 + y * (box.y2 - box.y1),
    }));
    return [regressed({ ...box, score, points }, regression)];
  });
  return withoutOverlaps(faces, 0.7, 'smaller');
}

/** `marks` has five x, then five y. */
export function toPoints(marks: readonly number[]): Point[] {
  return [0, 1, 2, 3, 4].map((point) => ({ x: marks[point] ?? 0, y: marks[point + 5] ?? 0 }));
}

/** Returns the crop of size × size pixels on a square box. */
function cropBox(size: number): (box: Box) => Similarity {
  return ({ x1, y1, x2 }) => levelCrop(x1, y1, (x2 - x1) / size);
}
