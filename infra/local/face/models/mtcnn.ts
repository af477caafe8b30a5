import type { Point } from '../vision.ts';
import { regressed, squared, withoutOverlaps, type Box } from './boxes.ts';
import { faceness, offset, run, runOnCrops, scale } from './cascade.ts';
import { planar, resize, type Pixels, type Similarity } from './image.ts';
import { Tensor, type Network } from './runtime.ts';
import type { Networks } from './sessions.ts';

/** A face with its eyes, nose and corners of the mouth (left first, as seen). */
export type DetectedFace = Box & { points: Point[] };

// Of the published method: smallest window, pyramid factor, thresholds of the three networks.
const window = 12;
const stride = 2;
const pyramidFactor = 0.709;
const thresholds = { proposal: 0.6, refine: 0.7, output: 0.7 } as const;
/** Side of the crops that the last network takes. */
export const outputSize = 48;
/** At most so many candidates go to the second network: a picture of noise has thousands. */
const candidatesAtMost = 600;

/** Finds faces by the cascade of MTCNN: proposals over a pyramid, refined twice. */
export async function detectByMtcnn(
  networks: Networks,
  image: Pixels,
  smallestFace: number,
): Promise<DetectedFace[]> {
  const proposals = await propose(networks.proposal, image, smallestFace);
  const refined = await refine(networks.refine, image, proposals);
  return finish(networks.output, image, refined);
}

async function propose(network: Network, image: Pixels, smallestFace: number): Promise<Box[]> {
  const boxes: Box[] = [];
  let level = image;
  for (let factor = window / smallestFace; ; factor *= pyramidFactor) {
    const width = Math.ceil(image.width * factor);
    const height = Math.ceil(image.height * factor);
    if (Math.min(width, height) < window) break;
    // Each level from the one before it: resizing gets cheaper with every step.
    level = await resize(level, width, height);
    boxes.push(...withoutOverlaps(await proposeAt(network, level, image), 0.5));
  }
  return withoutOverlaps(boxes, 0.7).slice(0, candidatesAtMost).map(squared);
}

async function proposeAt(network: Network, level: Pixels, image: Pixels): Promise<Box[]> {
  const input = new Tensor('float32', planar(level, offset, scale), [1, 3, level.height, level.width]);
  const [logits, regression] = await run(network, input);
  const [, , rows = 0, columns = 0] = logits.dims;
  const plane = rows * columns;
  const boxes: Box[] = [];
  const toX = image.width / level.width;
  const toY = image.height / level.height;
  for (let index = 0; index < plane; index += 1) {
    const score = faceness(logits.data[index] ?? 0, logits.data[index + plane] ?? 0);
    if (score < thresholds.proposal) continue;
    const x = (index % columns) * stride;
    const y = Math.floor(index / columns) * stride;
    const box = { x1: x * toX, y1: y * toY, x2: (x + window) * toX, y2: (y + window) * toY, score };
    const shifts = [0, 1, 2, 3].map((part) => regression.data[index + part * plane] ?? 0);
    boxes.push(regressed(box, shifts));
  }
  return boxes;
}

async function refine(network: Network, image: Pixels, boxes: Box[]): Promise<Box[]> {
  const answers = await runOnCrops(network, image, boxes.map(cropOf(24)), 24);
  const refined = boxes.flatMap((box, index) => {
    const { score = 0, regression = [] } = answers[index] ?? {};
    return score < thresholds.refine ? [] : [squared(regressed({ ...box, score }, regression))];
  });
  return withoutOverlaps(refined, 0.7);
}

async function finish(network: Network, image: Pixels, boxes: Box[]): Promise<DetectedFace[]> {
  const answers = await runOnCrops(network, image, boxes.map(cropOf(outputSize)), outputSize);
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
  return ({ x1, y1, x2 }) => {
    const a = (x2 - x1) / size;
    return { a, b: 0, c: x1 + a / 2 - 0.5, d: y1 + a / 2 - 0.5 };
  };
}
